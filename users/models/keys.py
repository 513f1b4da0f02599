"""What lets programs act for a person: public keys for SSH, tokens for the API."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from common import clock
from users.models.people import User


class SshKey(models.Model):
    """A public key. The text is rebuilt from what was parsed: nothing else of the pasted line is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="ssh_keys")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=60)  # as the line begins: ssh-ed25519
    bits = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=60)  # SHA256:..., as ssh-keygen prints it
    text = models.TextField()  # kind and base64, without comment
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["user", "fingerprint"], name="ssh_key_once_per_user")]

    def __str__(self) -> str:
        return f"{self.name} ({self.fingerprint})"


class ApiToken(models.Model):
    """A token of a person's program. Only its digest is kept: who reads this table can use none."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    start = models.CharField(max_length=20)  # its first letters, to tell it from others
    digest = models.CharField(max_length=64, unique=True)  # SHA-256, hex; the token has 190 random bits
    scopes = ArrayField(models.CharField(max_length=30))
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.start}…)"
