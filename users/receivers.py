"""What follows when a session's row goes: sign-out, ending it from another device, a new password, the nightly clearing."""

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from common.live import announce_session_ended


@receiver(post_delete, sender=Session, dispatch_uid="users.close_live_sockets")
def close_live_sockets(sender, instance: Session, **kwargs) -> None:
    """Its pages stop hearing hints at once."""
    transaction.on_commit(lambda: announce_session_ended(instance.session_key))
