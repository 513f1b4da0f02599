"""What follows when somebody signs in or is signed out, and what a person is told when their way in changes."""

from contextlib import suppress

from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from allauth.socialaccount.signals import social_account_added
from allauth.usersessions.models import UserSession
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from common import clock
from common.live import announce_session_ended
from users import addresses, devices, fresh, notices
from users.methods import NAMES
from users.models import User
from users.wording import short_address

STEPS = {
    Authenticator.Type.TOTP: "An authenticator app",
    Authenticator.Type.WEBAUTHN: "A passkey",
    Authenticator.Type.RECOVERY_CODES: "Recovery codes",
}


@receiver(user_logged_in, dispatch_uid="users.remember_browser")
def remember_browser(sender, request, user, **kwargs) -> None:
    """List every session on the profile; allauth itself only knows of those that its own pages begin."""
    fresh.note(request)
    if not request.META.get("REMOTE_ADDR"):
        return
    UserSession.objects.create_from_request(request)
    if devices.is_new(request, user, clock.now()):
        notices.tell(user=user, kind="sign_in", words="You signed in with a new browser.", now=clock.now(), request=request)


@receiver(social_account_added, dispatch_uid="users.tell_of_link")
def tell_of_link(sender, request, sociallogin, **kwargs) -> None:
    """Runs inside the request that linked it. Google's word for an address fills the place of one that is missing."""
    account = sociallogin.account
    if sociallogin.email_addresses and not account.user.email:  # those that Google has proven (users.adapters)
        with suppress(addresses.Taken):
            addresses.take(user=account.user, email=sociallogin.email_addresses[0].email, now=clock.now(), request=request)
    who = account.extra_data.get("email", "") if account.provider == "google" else short_address(account.uid)
    words = f"{NAMES[account.provider]} was linked ({who})."
    notices.tell(user=account.user, kind="methods", words=words, now=clock.now(), request=request)


@receiver(authenticator_added, dispatch_uid="users.tell_of_step_added")
def tell_of_step_added(sender, request, user, authenticator, **kwargs) -> None:
    _tell_of_step(request, user, authenticator, "added as a second step")


@receiver(authenticator_removed, dispatch_uid="users.tell_of_step_removed")
def tell_of_step_removed(sender, request, user, authenticator, **kwargs) -> None:
    _tell_of_step(request, user, authenticator, "removed")


@receiver(authenticator_reset, dispatch_uid="users.tell_of_step_reset")
def tell_of_step_reset(sender, request, user, authenticator, **kwargs) -> None:
    _tell_of_step(request, user, authenticator, "made anew; the old ones do not work any more")


def _tell_of_step(request, user, authenticator, what: str) -> None:
    verb = "were" if authenticator.type == Authenticator.Type.RECOVERY_CODES else "was"
    words = f"{STEPS[authenticator.type]} {verb} {what}."
    notices.tell(user=user, kind="mfa", words=words, now=clock.now(), request=request)


@receiver(post_delete, sender=Session, dispatch_uid="users.close_live_sockets")
def close_live_sockets(sender, instance: Session, **kwargs) -> None:
    """Its pages stop hearing hints at once."""
    transaction.on_commit(lambda: announce_session_ended(instance.session_key))


@receiver(post_save, sender=User, dispatch_uid="users.sign_out_the_deactivated")
def sign_out_the_deactivated(sender, instance: User, **kwargs) -> None:
    """A person who was switched off leaves everywhere, live sockets too."""
    if not instance.is_active:
        for session in UserSession.objects.filter(user=instance):
            session.end()
