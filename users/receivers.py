"""What follows when somebody signs in or is signed out: by themselves, from another browser, or by an operator."""

from allauth.usersessions.models import UserSession
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from common.live import announce_session_ended
from users.models import User


@receiver(user_logged_in, dispatch_uid="users.remember_browser")
def remember_browser(sender, request, user, **kwargs) -> None:
    """List every session on the profile; allauth itself only knows of those that its own pages begin."""
    if request.META.get("REMOTE_ADDR"):
        UserSession.objects.create_from_request(request)


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
