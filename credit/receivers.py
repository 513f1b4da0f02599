"""What credit does when it hears of a new account."""

from allauth.account.signals import user_signed_up
from django.dispatch import receiver

from common import clock
from credit import services


@receiver(user_signed_up, dispatch_uid="credit.welcome")
def welcome(user, **kwargs) -> None:
    """Promotional credit for a first job, once per account."""
    services.welcome(user=user, now=clock.now())
