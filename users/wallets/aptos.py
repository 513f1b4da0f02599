"""Is this Aptos account's owner signing in here, now? Two forms: Sign in with Aptos (AIP-116) and signMessage (AIP-62).

A text is never taken apart: wallets arrange it differently, and a message may hold line feeds. Every text that is
acceptable is built from what the server knows, and the signed one is compared as a whole.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha3_256
from itertools import permutations, product
from urllib.parse import urlsplit

from users.wallets.aptos_keys import AccountKey, decode_key, decode_signature, scheme_of
from users.wallets.bcs import from_hex
from users.wallets.refusals import Reason, Refused

ADDRESS = re.compile(r"0x[0-9a-fA-F]{1,64}")
SIWA_DOMAIN = sha3_256(b"SIGN_IN_WITH_APTOS::").digest()
SIWA_VERSION = "2"  # of the serialisation that wallets' packages write
TEXT_MAX = 4_096

AuthenticationKeyOf = Callable[[str], str]  # address -> what the chain holds; raises Refused(CHAIN_UNAVAILABLE)


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """What the server handed out and expects back. `siwa`: the AptosSignInInput, where that form was offered."""

    domain: str
    origin: str
    chain_id: int
    chain_name: str  # "aptos:testnet"
    statement: str
    nonce: str
    expires_at: datetime
    is_used: bool = False
    siwa: Mapping[str, object] | None = None

    @property
    def chain_names(self) -> set[str]:
        return {self.chain_name, f"aptos:{self.chain_id}"}

    def check_open(self, now: datetime) -> None:
        if self.is_used:
            raise Refused(Reason.NONCE_USED)
        if now >= self.expires_at:
            raise Refused(Reason.NONCE_EXPIRED)


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What the browser posts. `said`: the full message of signMessage, or the bound AptosSignInInput of signIn."""

    address: object
    scheme: object  # None: as the key looks
    public_key: object  # BCS, in hex
    signature: object  # BCS, in hex
    said: object
    siwa_version: object = ""


def verify(proof: Proof, challenge: Challenge, *, now: datetime, authentication_key_of: AuthenticationKeyOf) -> str:
    """The canonical address (0x and 64 lower-case digits) whose owner signed.

    Raises:
        Refused: with the reason.
    """
    challenge.check_open(now)
    address = canonical(proof.address)
    key, signatures = _decoded(proof)
    message = siwa_bytes(proof, address, challenge) if challenge.siwa is not None else _message(proof, address, challenge)
    key.check(signatures, message)
    _check_owner(key, address, authentication_key_of(address))
    return address


def canonical(address: object) -> str:
    if not isinstance(address, str) or not ADDRESS.fullmatch(address):
        raise Refused(Reason.BAD_ENCODING, "not an address")
    return "0x" + address[2:].lower().rjust(64, "0")


def _decoded(proof: Proof):
    data = from_hex(proof.public_key)
    scheme = scheme_of(data) if proof.scheme is None else str(proof.scheme)
    return decode_key(scheme, data), decode_signature(scheme, from_hex(proof.signature))


def _check_owner(key: AccountKey, address: str, on_chain: str) -> None:
    """An account's keys may be replaced: its address says nothing of them, the chain does."""
    if canonical(on_chain) != "0x" + key.authentication_key.hex():
        raise Refused(Reason.ADDRESS_MISMATCH, address)


# signMessage ----------------------------------------------------------------------------------------------------------


def _message(proof: Proof, address: str, challenge: Challenge) -> bytes:
    said = proof.said
    if not isinstance(said, str) or len(said) > TEXT_MAX:
        raise Refused(Reason.BAD_ENCODING, "no text")
    if said not in set(texts(address, challenge)):
        raise Refused(_what_differs(said, address, challenge))
    return said.encode()


def texts(address: str, challenge: Challenge) -> Iterator[str]:
    """Every acceptable full message: the same five lines in any order, with each spelling of a value that wallets use."""
    applications = {challenge.domain, challenge.origin}
    chains = {str(challenge.chain_id), *challenge.chain_names}
    for chosen in product({address, short(address)}, applications, chains):
        yield from _arranged(*chosen, challenge)


def _arranged(address: str, application: str, chain: str, challenge: Challenge) -> Iterator[str]:
    lines = [
        f"address: {address}",
        f"application: {application}",
        f"chainId: {chain}",
        f"message: {challenge.statement}",
        f"nonce: {challenge.nonce}",
    ]
    return ("\n".join(("APTOS", *arranged)) for arranged in permutations(lines))


def short(address: str) -> str:
    return "0x" + (address[2:].lstrip("0") or "0")


def _what_differs(said: str, address: str, challenge: Challenge) -> Reason:
    """For the words of the refusal alone: the first line that is not there as expected."""
    lines = said.split("\n")
    expected = [
        (Reason.NONCE_MISMATCH, {f"nonce: {challenge.nonce}"}),
        (Reason.DOMAIN_MISMATCH, {f"application: {challenge.domain}", f"application: {challenge.origin}"}),
        (Reason.ADDRESS_MISMATCH, {f"address: {address}", f"address: {short(address)}"}),
        (Reason.CHAIN_MISMATCH, {f"chainId: {name}" for name in (challenge.chain_id, *challenge.chain_names)}),
    ]
    return next((reason for reason, spellings in expected if spellings.isdisjoint(lines)), Reason.MESSAGE_MISMATCH)


# Sign in with Aptos ---------------------------------------------------------------------------------------------------

FIELDS = {  # of AptosSignInInput, in the order of the text -> its label
    "uri": "URI",
    "version": "Version",
    "nonce": "Nonce",
    "issuedAt": "Issued At",
    "expirationTime": "Expiration Time",
    "notBefore": "Not Before",
    "requestId": "Request ID",
    "chainId": "Chain ID",
}
BOUND = {"address", "chainId", "domain", "uri", "version"}  # what a wallet adds where the server left it out
REASONS = {"nonce": Reason.NONCE_MISMATCH, "domain": Reason.DOMAIN_MISMATCH, "chainId": Reason.CHAIN_MISMATCH}
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def siwa_bytes(proof: Proof, address: str, challenge: Challenge) -> bytes:
    """What the wallet must have signed. Raises Refused when a field is not the server's, or missing."""
    said = proof.said
    if proof.siwa_version != SIWA_VERSION or not isinstance(said, Mapping):
        raise Refused(Reason.BAD_ENCODING, "not a sign-in of version 2")
    _check_plain(said)
    _check_here(said, address, challenge)
    _check_as_asked(said, challenge.siwa or {})
    return SIWA_DOMAIN + siwa_text(said, address).encode()


def _check_plain(said: Mapping[str, object]) -> None:
    """Strings without control characters: a line feed would let two different inputs give one text."""
    values = [value for name, value in said.items() if name != "resources"]
    resources = said.get("resources", [])
    values += resources if isinstance(resources, list) else [None]
    if any(not isinstance(value, str) or len(value) > TEXT_MAX or CONTROL.search(value) for value in values):
        raise Refused(Reason.FIELD_MISMATCH, "control characters")


def _check_here(said: Mapping[str, object], address: str, challenge: Challenge) -> None:
    """Bound to this site, network and account by what the site is, not by what was sent."""
    if said.get("domain") != challenge.domain or _origin(said.get("uri")) != challenge.origin:
        raise Refused(Reason.DOMAIN_MISMATCH)
    if said.get("chainId") not in challenge.chain_names:
        raise Refused(Reason.CHAIN_MISMATCH)
    if said.get("nonce") != challenge.nonce:
        raise Refused(Reason.NONCE_MISMATCH)
    if said.get("address") != address:
        raise Refused(Reason.ADDRESS_MISMATCH)
    if said.get("version") != "1":
        raise Refused(Reason.FIELD_MISMATCH, "version")


def _check_as_asked(said: Mapping[str, object], asked: Mapping[str, object]) -> None:
    """No field is other than asked, none is missing, and a wallet adds no more than it may."""
    for name in sorted(asked.keys() | (said.keys() - BOUND)):
        if said.get(name) != asked.get(name):
            raise Refused(REASONS.get(name, Reason.FIELD_MISMATCH), name)


def _origin(uri: object) -> str:
    try:
        parts = urlsplit(uri if isinstance(uri, str) else "")
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"


def siwa_text(said: Mapping[str, object], address: str) -> str:
    """The text of AIP-116 in the order that the reference package writes: Chain ID after the dates."""
    blocks = [f"{said['domain']} wants you to sign in with your Aptos account:\n{address}"]
    if said.get("statement"):
        blocks.append(str(said["statement"]))
    lines = [f"{label}: {said[name]}" for name, label in FIELDS.items() if said.get(name)]
    if resources := said.get("resources"):
        lines += ["Resources:", *(f"- {resource}" for resource in resources)]
    return "\n\n".join([*blocks, "\n".join(lines)])
