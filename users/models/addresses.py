"""E-mail addresses that people say are theirs."""

from django.db import models

from common import clock
from users.models.people import User


class AddressClaim(models.Model):
    """An address that a person wants mails at, until the code that was sent there proves it. One per person: the newest."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="address_claim")
    email = models.EmailField()
    digest = models.CharField(max_length=64)  # of the code
    asked_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"address of user {self.user_id}"
