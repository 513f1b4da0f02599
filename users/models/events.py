"""What happened to the safety of an account; each row is also the order to mail it."""

from django.db import models

from common import clock
from users.models.people import User


class SecurityEvent(models.Model):
    """Shown on the account's page. `mail_to` is empty where nobody is mailed: no address, or not wanted."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="security_events")
    kind = models.CharField(max_length=20)  # users.notices.KINDS
    words = models.CharField(max_length=300)  # what happened, in one sentence
    ip = models.GenericIPAddressField(null=True, blank=True)
    browser = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField(default=clock.now)
    mail_to = models.EmailField(blank=True)
    mail_due_at = models.DateTimeField(null=True, blank=True)  # null: nothing to send (any more)
    mail_tries = models.PositiveSmallIntegerField(default=0)
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-at"]
        indexes = [
            models.Index(fields=["user", "-at"], name="security_event_of_user"),
            models.Index(fields=["mail_due_at"], name="security_mail_due", condition=models.Q(mail_due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.words


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
