"""How allauth makes our users: by Google or a wallet; nobody signs up or in with a password on these pages."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.http import HttpRequest

WALLETS = {"aptos", "evm"}


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest, sociallogin) -> bool:
        return sociallogin.account.provider in WALLETS or bool(settings.GOOGLE_CLIENT_ID)

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin) -> bool:
        """A wallet has no e-mail address to ask for."""
        return sociallogin.account.provider in WALLETS or super().is_auto_signup_allowed(request, sociallogin)

    def populate_user(self, request: HttpRequest, sociallogin, data: dict):
        """The name that pages show comes with the account and can be changed on the profile."""
        user = super().populate_user(request, sociallogin, data)
        name = data.get("name") or f"{data.get('first_name') or ''} {data.get('last_name') or ''}"
        user.display_name = name.strip()[: user._meta.get_field("display_name").max_length]
        return user
