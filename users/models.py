"""People who sign in. A `User` is a login; the ledger's word `Account` means something else."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person; one account may be creator, owner and checker at once. Staff operate the network."""

    display_name = models.CharField(max_length=80, blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return self.display_name or self.email.partition("@")[0] or self.username

    @property
    def initials(self) -> str:
        parts = self.name.split()
        return (parts[0][:1] + (parts[-1][:1] if len(parts) > 1 else "")).upper()
