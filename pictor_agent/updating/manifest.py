"""What a server says of the agent that it offers, under its signature. Shared with the server; pure."""

from typing import Annotated

import msgspec
from msgspec import Meta
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from pictor_agent import protocol

FORMAT = b"pictor agent release v1\n"  # makes the signature useless anywhere else
WHEEL_BYTES_MAX = 64 << 20
ANSWER_BYTES_MAX = 64 << 10


class NotUpdated(Exception):
    """The agent stays what it is; the words say why, for its owner."""


class Manifest(msgspec.Struct, kw_only=True, frozen=True):
    """One release of the agent. Numbers only grow: whoever has had one takes none below it."""

    number: Annotated[int, Meta(ge=1, le=2**53)]
    version: Annotated[str, Meta(pattern=r"^[0-9A-Za-z.+-]{1,40}\Z")]
    wheel: Annotated[str, Meta(pattern=r"^[0-9A-Za-z_.+-]{1,200}\.whl\Z")]  # file name, beside the manifest
    sha256: protocol.Sha256
    size_bytes: Annotated[int, Meta(ge=1, le=WHEEL_BYTES_MAX)]
    python: tuple[int, int]  # the oldest that runs it
    created_at: protocol.Count  # POSIX seconds


class Envelope(msgspec.Struct, kw_only=True, frozen=True):
    """The manifest as the very text that was signed."""

    manifest: Annotated[str, Meta(max_length=16_000)]
    signature: Annotated[str, Meta(pattern=r"^[0-9a-f]{128}\Z")]  # Ed25519 over FORMAT and the text


def sealed(manifest: Manifest, seed: bytes) -> bytes:
    """The answer of a server whose key has this seed."""
    text = msgspec.json.encode(manifest)
    signature = SigningKey(seed).sign(FORMAT + text).signature.hex()
    return msgspec.json.encode(Envelope(manifest=text.decode(), signature=signature))


def opened(answer: bytes, key: str) -> Manifest:
    """The manifest, if `key` (hexadecimal, the server's public one) signed it; nothing of it is read before.

    Raises:
        NotUpdated
    """
    try:
        envelope = msgspec.json.decode(answer, type=Envelope)
        text = envelope.manifest.encode()
        VerifyKey(bytes.fromhex(key)).verify(FORMAT + text, bytes.fromhex(envelope.signature))
        return msgspec.json.decode(text, type=Manifest)
    except BadSignatureError:
        raise NotUpdated("the release is not signed by the key in this node's configuration file") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise NotUpdated(f"the server's word on its release cannot be read: {error}"[:300]) from None


def public_key(seed: bytes) -> str:
    """As configuration files name it."""
    return bytes(SigningKey(seed).verify_key).hex()
