"""Who signs payouts. A key file now; a key service has the same two methods: both chains ask for a plain signature of bytes.

AWS KMS: ECC_NIST_EDWARDS25519 with ED25519_SHA_512 and MessageType RAW for Aptos; ECC_SECG_P256K1 with DIGEST for EVM, whose
s must then be made low and whose recovery id is found by trying both.
"""

import stat
from pathlib import Path
from typing import Protocol

from django.conf import settings

from common.money import format_exact

OTHERS = stat.S_IRWXG | stat.S_IRWXO


class NoSigner(Exception):
    """There is no key here that may sign."""


class Signer(Protocol):
    """A key. `worth_micros` of what is signed is bounded here too, whatever asks."""

    public_key: bytes

    def sign(self, message: bytes, *, worth_micros: int) -> bytes: ...


class WatchOnly:
    """For looking at an address: it has no key."""

    public_key = b""

    def sign(self, message: bytes, *, worth_micros: int) -> bytes:
        raise NoSigner("nothing is signed while looking")


class Ed25519KeyFile:
    """Signs the whole message (Aptos)."""

    def __init__(self, path: str) -> None:
        from nacl.signing import SigningKey

        self._key = SigningKey(read_key(path))
        self.public_key = bytes(self._key.verify_key)

    def sign(self, message: bytes, *, worth_micros: int) -> bytes:
        check_worth(worth_micros)
        return self._key.sign(message).signature


class Secp256k1KeyFile:
    """Signs a digest of 32 bytes (EVM): r, s and the recovery id. `eth_keys` alone: see docs/decisions/0032."""

    def __init__(self, path: str) -> None:
        from eth_keys import keys

        self._key = keys.PrivateKey(read_key(path))
        self.public_key = self._key.public_key.to_bytes()

    def sign(self, message: bytes, *, worth_micros: int) -> bytes:
        check_worth(worth_micros)
        return self._key.sign_msg_hash(message).to_bytes()


def read_key(path: str) -> bytes:
    """32 bytes in hex, in a file that nobody else may read. Raises NoSigner."""
    if not path:
        raise NoSigner("no key file is set")
    try:
        if Path(path).stat().st_mode & OTHERS:
            raise NoSigner(f"{path} can be read by others: chmod 600")
        key = bytes.fromhex(Path(path).read_text().strip().removeprefix("ed25519-priv-").removeprefix("0x"))
    except (OSError, ValueError) as error:
        raise NoSigner(f"{path}: {type(error).__name__}") from error
    if len(key) != 32:
        raise NoSigner(f"{path} does not hold a key of 32 bytes")
    return key


def check_worth(worth_micros: int) -> None:
    if worth_micros > settings.PAYOUT_MAX_MICROS:
        raise NoSigner(f"{format_exact(worth_micros)} credits are more than one payout may be")
