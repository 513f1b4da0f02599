"""Browsers of a person."""

from django.db import models

from common import clock
from users.models.people import User


class KnownDevice(models.Model):
    """A browser that this person has signed in with before, known by a cookie."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="known_devices")
    digest = models.CharField(max_length=64)  # SHA-256 of the cookie
    first_at = models.DateTimeField(default=clock.now)
    last_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="device_once_per_user")]

    def __str__(self) -> str:
        return f"device of user {self.user_id}"
