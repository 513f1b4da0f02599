"""Rows about people who sign in; one module per subject."""

from users.models.addresses import AddressClaim
from users.models.challenges import Purpose, WalletChallenge
from users.models.devices import KnownDevice
from users.models.keys import ApiToken, SshKey
from users.models.notices import Notice
from users.models.people import Theme, User

__all__ = ["AddressClaim", "ApiToken", "KnownDevice", "Notice", "Purpose", "SshKey", "Theme", "User", "WalletChallenge"]
