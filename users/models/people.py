"""People who sign in. A `User` is a login; the ledger's word `Account` means something else."""

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Theme(models.TextChoices):
    SYSTEM = "", "As the system"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class User(AbstractUser):
    """A person; one account may be creator, owner and checker at once. Staff operate the network."""

    display_name = models.CharField(max_length=80, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)  # IANA name; empty: the site's
    theme = models.CharField(max_length=5, choices=Theme, blank=True, default="")
    muted = ArrayField(models.CharField(max_length=20), default=list, blank=True)  # kinds of notice not wanted by mail
    unlisted = ArrayField(models.CharField(max_length=20), default=list, db_default=[], blank=True)  # and not on the page
    wants_no_mail = models.BooleanField(default=False, db_default=False)  # has no address and was asked for one often enough
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)  # rows stay for the ledger, the person is gone

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return self.display_name or self.email.partition("@")[0] or self.username

    @property
    def initials(self) -> str:
        if self.name.startswith("0x"):  # as a wallet is called: all begin alike, few end alike
            return self.name[-2:].upper()
        parts = self.name.split()
        return (parts[0][:1] + (parts[-1][:1] if len(parts) > 1 else "")).upper()
