"""Public keys and signatures of Aptos accounts, checked by us: the SDKs accept some that the chain does not.

authentication key = SHA3-256(key || scheme byte): 0 ed25519, 1 multi_ed25519, 2 single_key, 3 multi_key
(aptos.dev, "Accounts"; AIP-55). secp256k1 signs SHA3-256 of the message, and only the lower of its two signatures counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha3_256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from users.wallets.bcs import Reader
from users.wallets.refusals import Reason, Refused

ED25519, SECP256K1 = 0, 1  # variants of AnyPublicKey and AnySignature; further ones are passkeys and keyless
MEMBERS_MAX = 32
SECP256K1_ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
SCHEME_BYTES = {"ed25519": 0, "multi_ed25519": 1, "single_key": 2, "multi_key": 3}


@dataclass(frozen=True)
class Part:
    """One key or one signature: its kind, and its bytes."""

    kind: int
    data: bytes


@dataclass(frozen=True)
class AccountKey:
    """What an account signs with: `threshold` of `members`. `authentication_key` is 32 bytes."""

    members: tuple[Part, ...]
    threshold: int
    authentication_key: bytes

    def check(self, signatures: Mapping[int, Part], message: bytes) -> None:
        """Raises Refused unless enough members signed, and every signature that came is good."""
        if len(signatures) < self.threshold:
            raise Refused(Reason.BAD_SIGNATURE, f"{len(signatures)} of {self.threshold} signatures")
        for number, signature in signatures.items():
            if number >= len(self.members) or not is_good(self.members[number], signature, message):
                raise Refused(Reason.BAD_SIGNATURE, f"of member {number}")


def decode_key(scheme: str, data: bytes) -> AccountKey:
    """Raises Refused: `scheme` is none of SCHEME_BYTES, or `data` is not exactly one key of it."""
    if scheme not in SCHEME_BYTES:
        raise Refused(Reason.UNSUPPORTED_KEY, scheme[:40])
    reader = Reader(data)
    members, threshold = KEYS[scheme](reader)
    reader.end()
    if not 1 <= threshold <= len(members):
        raise Refused(Reason.BAD_ENCODING, f"{threshold} of {len(members)} keys")
    signed_over = members[0].data if scheme == "ed25519" else _raw_multi(data) if scheme == "multi_ed25519" else data
    return AccountKey(tuple(members), threshold, sha3_256(signed_over + bytes([SCHEME_BYTES[scheme]])).digest())


def scheme_of(data: bytes) -> str:
    """The scheme that the bytes of a key look like, for wallets that do not say. Whatever follows is checked by that scheme."""
    if len(data) == 33 and data[0] == 32:
        return "ed25519"
    if len(data) in (34, 67) and data[0] in (ED25519, SECP256K1):
        return "single_key"
    length = Reader(data).uleb128()
    return "multi_ed25519" if length > MEMBERS_MAX and length % 32 == 1 else "multi_key" if length > 1 else "keyless"


def decode_signature(scheme: str, data: bytes) -> dict[int, Part]:
    """Signatures by the number of their member. Raises Refused as decode_key."""
    reader = Reader(data)
    signatures = SIGNATURES[scheme](reader)
    reader.end()
    return signatures


def is_good(key: Part, signature: Part, message: bytes) -> bool:
    """Did `key` sign `message`? Small-order points, S above the group order and high s are refused."""
    if key.kind != signature.kind:
        return False
    return _is_good_ed25519(key, signature, message) if key.kind == ED25519 else _is_good_secp256k1(key, signature, message)


def _is_good_ed25519(key: Part, signature: Part, message: bytes) -> bool:
    try:
        VerifyKey(key.data).verify(message, signature.data)
    except (BadSignatureError, ValueError):
        return False
    return True


def _is_good_secp256k1(key: Part, signature: Part, message: bytes) -> bool:
    r, s = (int.from_bytes(half, "big") for half in (signature.data[:32], signature.data[32:]))
    if not (0 < r < SECP256K1_ORDER and 0 < s <= SECP256K1_ORDER // 2):
        return False
    try:
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), key.data)
        point.verify(utils.encode_dss_signature(r, s), sha3_256(message).digest(), ec.ECDSA(utils.Prehashed(hashes.SHA3_256())))
    except (InvalidSignature, ValueError):
        return False
    return True


# Encodings ------------------------------------------------------------------------------------------------------------


def _any_key(reader: Reader) -> Part:
    return _any(reader, {ED25519: 32, SECP256K1: 65})


def _any_signature(reader: Reader) -> Part:
    return _any(reader, {ED25519: 64, SECP256K1: 64})


def _any(reader: Reader, lengths: Mapping[int, int]) -> Part:
    kind = reader.uleb128()
    if kind not in lengths:
        raise Refused(Reason.UNSUPPORTED_KEY, f"kind {kind}")
    return Part(kind, reader.sized(lengths[kind]))


def _one_key(reader: Reader) -> tuple[list[Part], int]:
    return [Part(ED25519, reader.sized(32))], 1


def _single_key(reader: Reader) -> tuple[list[Part], int]:
    return [_any_key(reader)], 1


def _multi_ed25519(reader: Reader) -> tuple[list[Part], int]:
    raw = Reader(reader.sized(*(32 * count + 1 for count in range(1, MEMBERS_MAX + 1))))
    *keys, threshold = _blocks(raw.rest(), 32)
    return [Part(ED25519, key) for key in keys], threshold[0]


def _multi_key(reader: Reader) -> tuple[list[Part], int]:
    return [_any_key(reader) for _ in range(_count(reader))], reader.byte()


def _one_signature(reader: Reader) -> dict[int, Part]:
    return {0: Part(ED25519, reader.sized(64))}


def _single_signature(reader: Reader) -> dict[int, Part]:
    return {0: _any_signature(reader)}


def _multi_ed25519_signature(reader: Reader) -> dict[int, Part]:
    raw = reader.sized(*(64 * count + 4 for count in range(1, MEMBERS_MAX + 1)))
    return _numbered([Part(ED25519, block) for block in _blocks(raw[:-4], 64)], raw[-4:])


def _multi_signature(reader: Reader) -> dict[int, Part]:
    signatures = [_any_signature(reader) for _ in range(_count(reader))]
    return _numbered(signatures, reader.sized(4))


def _count(reader: Reader) -> int:
    count = reader.uleb128()
    if not 1 <= count <= MEMBERS_MAX:
        raise Refused(Reason.BAD_ENCODING, f"{count} members")
    return count


def _numbered(signatures: list[Part], bitmap: bytes) -> dict[int, Part]:
    """Each signature with the number of its member: the set bits, from the most significant one on."""
    numbers = [number for number in range(MEMBERS_MAX) if bitmap[number // 8] & (0x80 >> number % 8)]
    if len(numbers) != len(signatures):
        raise Refused(Reason.BAD_ENCODING, f"{len(numbers)} bits for {len(signatures)} signatures")
    return dict(zip(numbers, signatures, strict=True))


def _blocks(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def _raw_multi(data: bytes) -> bytes:
    """The bytes of a multi_ed25519 key without their length."""
    reader = Reader(data)
    reader.uleb128()
    return reader.rest()


KEYS = {"ed25519": _one_key, "multi_ed25519": _multi_ed25519, "single_key": _single_key, "multi_key": _multi_key}
SIGNATURES = {
    "ed25519": _one_signature,
    "multi_ed25519": _multi_ed25519_signature,
    "single_key": _single_signature,
    "multi_key": _multi_signature,
}
