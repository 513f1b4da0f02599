"""Rows about people who sign in; one module per subject."""

from users.models.challenges import Purpose, WalletChallenge
from users.models.events import KnownDevice, SecurityEvent
from users.models.keys import ApiToken, SshKey
from users.models.people import Theme, User

__all__ = ["ApiToken", "KnownDevice", "Purpose", "SecurityEvent", "SshKey", "Theme", "User", "WalletChallenge"]
