"""How allauth makes our users: by Google or a wallet; nobody signs up or in with a password on these pages."""

import hmac

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse

from common.limits import visitor_ip
from common.words import one_line
from users import fresh, secret_box
from users.models import User

WALLETS = {"aptos", "evm"}
TAKEN = (
    "An account with the e-mail address {email} is here already. Sign in to it the way you did before, "
    "then link Google under Profile, Sign-in."
)


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """allauth counts tries by it; what a visitor wrote into X-Forwarded-For is not believed."""
        return visitor_ip(request) or "0.0.0.0"

    def is_reauthentication_required(self, *, app: str, **kwargs) -> bool:
        """users.fresh asks, before any of allauth's pages: allauth's own question cannot be answered with a wallet."""
        return False

    def send_notification_mail(self, *args, **kwargs) -> None:
        """users.notices tells."""


class MfaAdapter(DefaultMFAAdapter):
    """Secrets of authenticator apps and recovery codes lie encrypted: a copy of the database alone opens nothing."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "Incorrect code. The app shows another every 30 seconds: type the newest, or a recovery code."
    }

    def encrypt(self, text: str) -> str:
        return secret_box.close(text)

    def decrypt(self, encrypted_text: str) -> str:
        return secret_box.open(encrypted_text)

    def get_totp_label(self, user: User) -> str:
        return user.email or user.name

    def generate_authenticator_name(self, user: User, type: str) -> str:
        count = Authenticator.objects.filter(user=user, type=type).count()
        return f"Passkey {count + 1}" if count else "Passkey"

    def _get_site_name(self) -> str:
        return settings.SITE_NAME


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest, sociallogin) -> bool:
        return sociallogin.account.provider in WALLETS or bool(settings.GOOGLE_CLIENT_ID)

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin) -> bool:
        """Nobody is asked for anything more: a wallet has no e-mail address, and Google says all there is to say."""
        return True

    def populate_user(self, request: HttpRequest, sociallogin, data: dict):
        """The name that pages show comes with the account and can be changed on the profile."""
        user = super().populate_user(request, sociallogin, data)
        names = f"{data.get('first_name') or ''} {data.get('last_name') or ''}"
        name = data.get("name") or sociallogin.account.extra_data.get("name") or names
        user.display_name = one_line(name)[: user._meta.get_field("display_name").max_length]
        return user

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount) -> str:
        return reverse("users:security")

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Before anything is signed in, linked or confirmed by what a provider said."""
        if sociallogin.account.provider == "google":
            _check_nonce(request, sociallogin)
            _forget_unfit_mail(sociallogin)
        process = sociallogin.state.get("process")
        if process == AuthProcess.REDIRECT:
            _confirm(request, sociallogin)
        elif process != AuthProcess.CONNECT and not sociallogin.is_existing:
            _refuse_taken_mail(request, sociallogin)


def _check_nonce(request: HttpRequest, sociallogin: SocialLogin) -> None:
    """The ID token was made for this browser's request, not for another's."""
    said = str(sociallogin.account.extra_data.pop("nonce", ""))
    asked = sociallogin.state.get("nonce") or ""
    if not asked or not hmac.compare_digest(said.encode(), asked.encode()):
        provider = sociallogin.account.get_provider(request)
        raise ImmediateHttpResponse(render_authentication_error(request, provider))


def _forget_unfit_mail(sociallogin: SocialLogin) -> None:
    """An address that nobody has proven is nobody's: no mail goes there, and it takes no other account's place.

    Nor does one that is not in ASCII: it might be folded into another's (users.addresses).
    """
    found = sociallogin.email_addresses
    sociallogin.email_addresses = [address for address in found if address.verified and address.email.isascii()]
    if not sociallogin.is_existing and not sociallogin.email_addresses:
        sociallogin.user.email = ""


def _confirm(request: HttpRequest, sociallogin: SocialLogin) -> None:
    """A round trip that was to prove that it is still the same person."""
    is_mine = sociallogin.is_existing and sociallogin.user == request.user
    if is_mine and sociallogin.state.get("data") == {"confirms": request.user.pk}:
        fresh.note(request)
    else:
        messages.error(request, "That is not the Google account that is linked here. Nothing was confirmed.")


def _refuse_taken_mail(request: HttpRequest, sociallogin: SocialLogin) -> None:
    """Google's word for an address gives nobody an account that somebody else began with it."""
    for address in sociallogin.email_addresses:
        known = EmailAddress.objects.filter(email__iexact=address.email).exists()
        if known or User.objects.filter(email__iexact=address.email).exists():
            messages.error(request, TAKEN.format(email=address.email))
            raise ImmediateHttpResponse(redirect("users:sign-in"))
