"""Sign-in with an EVM wallet (EIP-4361): the server writes the text, the wallet signs it, the signer is recovered.

A contract's account has no key: it says itself whether a signature is its own (EIP-1271). An account may have both a key
and code (EIP-7702), so the key is tried first.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from users.wallets.bcs import from_hex
from users.wallets.refusals import Reason, Refused

SIGNATURE_BYTES = 65  # r, s, v of a key
RECOVERY = {0: 0, 1: 1, 27: 0, 28: 1}  # spellings of v

IsValidSignature = Callable[[str, bytes, bytes], bool]  # (address, digest, signature); raises Refused(CHAIN_UNAVAILABLE)


def text(
    *,
    domain: str,
    origin: str,
    address: str,
    statement: str,
    chain_id: int,
    nonce: str,
    issued_at: datetime,
    expires_at: datetime,
) -> str:
    """The message of EIP-4361. None of the values may hold a line feed."""
    return (
        f"{domain} wants you to sign in with your Ethereum account:\n{address}\n\n{statement}\n\n"
        f"URI: {origin}\nVersion: 1\nChain ID: {chain_id}\nNonce: {nonce}\n"
        f"Issued At: {stamp(issued_at)}\nExpiration Time: {stamp(expires_at)}"
    )


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def canonical(address: object) -> str:
    """With the capitals of EIP-55. Raises Refused: not 20 bytes in hex."""
    from eth_utils import to_checksum_address

    if not isinstance(address, str) or len(from_hex(address)) != 20:
        raise Refused(Reason.BAD_ENCODING, "not an address")
    return to_checksum_address(address)


def verify(signed_text: str, address: str, signature: object, *, is_valid_signature: IsValidSignature) -> None:
    """Raises Refused unless the account `address` (canonical) signed the text."""
    raw, digest = from_hex(signature), digest_of(signed_text)
    if _signer(digest, raw) != address and not is_valid_signature(address, digest, raw):
        raise Refused(Reason.BAD_SIGNATURE, address)


def digest_of(signed_text: str) -> bytes:
    """What personal_sign signs (EIP-191, version 0x45)."""
    from eth_utils import keccak

    body = signed_text.encode()
    return keccak(b"\x19Ethereum Signed Message:\n%d" % len(body) + body)


def _signer(digest: bytes, signature: bytes) -> str | None:
    """Whoever's key made the signature; None where it is none. `eth_keys` alone: `eth_account` lifts the recursion limit of
    the whole process, so that a stranger's deep JSON would overflow its stack."""
    from eth_keys import KeyAPI
    from eth_keys.exceptions import BadSignature, ValidationError

    if len(signature) != SIGNATURE_BYTES or signature[64] not in RECOVERY:
        return None
    try:
        made = KeyAPI().Signature(signature[:64] + bytes([RECOVERY[signature[64]]]))
        return made.recover_public_key_from_msg_hash(digest).to_checksum_address()
    except (BadSignature, ValidationError):
        return None
