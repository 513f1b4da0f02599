"""Short secrets at rest, closed with a key made from SECRET_KEY (and opened with those that it replaced)."""

import base64

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def close(text: str) -> str:
    return _box().encrypt(text.encode()).decode()


def open(closed: str) -> str:
    return _box().decrypt(closed.encode()).decode()


def _box() -> MultiFernet:
    return MultiFernet([_key(secret) for secret in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]])


def _key(secret: str) -> Fernet:
    made = HKDF(SHA256(), 32, salt=None, info=b"pictor second step").derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(made))
