"""Public keys that people paste: read, judged and named by their fingerprint. `cryptography` does the parsing."""

import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

RSA_BITS_MIN = 2048
LENGTH_MAX = 8_000  # an RSA key of 16,384 bits has 2,800
BITS = {
    "ssh-ed25519": 256,
    "sk-ssh-ed25519@openssh.com": 256,
    "sk-ecdsa-sha2-nistp256@openssh.com": 256,
    "ecdsa-sha2-nistp256": 256,
    "ecdsa-sha2-nistp384": 384,
    "ecdsa-sha2-nistp521": 521,
}
PRIVATE = re.compile(r"PRIVATE KEY|PuTTY-User-Key-File", re.IGNORECASE)
CERTIFICATE = re.compile(r"-cert-v\d+@openssh\.com\b")


class BadKey(ValueError):
    """The words say what to do instead."""


@dataclass(frozen=True)
class PublicKey:
    kind: str
    bits: int
    fingerprint: str
    text: str
    comment: str


def parse(pasted: str) -> PublicKey:
    """One line of a .pub file. Raises BadKey."""
    line = _the_line(pasted)
    kind, blob, comment = _parts(line)
    bits = _bits_of(kind, blob)
    blob = base64.b64encode(base64.b64decode(blob)).decode()  # what the parser skipped in the pasted text is not kept
    return PublicKey(kind, bits, fingerprint_of(blob), f"{kind} {blob}", comment)


def fingerprint_of(blob: str) -> str:
    """As `ssh-keygen -l` prints it."""
    digest = hashlib.sha256(base64.b64decode(blob)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _the_line(pasted: str) -> str:
    if PRIVATE.search(pasted):
        raise BadKey(
            "That is your private key. It was not stored, but it has left your machine: make a new pair with "
            "`ssh-keygen -t ed25519`, and paste the file that ends in .pub."
        )
    lines = [line.strip() for line in pasted.splitlines() if line.strip()]
    if not lines or len(pasted) > LENGTH_MAX:
        raise BadKey("Paste the one line of a public key file, such as ~/.ssh/id_ed25519.pub.")
    if len(lines) > 1:
        raise BadKey("Paste one key at a time: these are several lines.")
    return lines[0]


def _parts(line: str) -> tuple[str, str, str]:
    if CERTIFICATE.search(line.split(" ", 1)[0]):
        raise BadKey("That is a certificate. Paste the public key that it was made for.")
    words = line.split(None, 2)
    if words[0] == "ssh-dss":
        raise BadKey("DSA keys are not safe any more. Make a new one: ssh-keygen -t ed25519")
    if words[0] not in BITS and words[0] != "ssh-rsa":
        if re.search(r"\b(ssh-|ecdsa-|sk-)", line[1:]):
            raise BadKey("Leave out the options before the key: the line begins with ssh-ed25519, ecdsa-… or ssh-rsa.")
        raise BadKey(
            "That is no public key that is known here: the line begins with ssh-ed25519, ecdsa-sha2-…, sk-… or ssh-rsa."
        )
    if len(words) < 2:
        raise BadKey("The key itself is missing after its kind. Copy the whole line.")
    return words[0], words[1], words[2] if len(words) > 2 else ""


def _bits_of(kind: str, blob: str) -> int:
    try:
        key = load_ssh_public_key(f"{kind} {blob}".encode())
    except (ValueError, UnsupportedAlgorithm, UnicodeEncodeError) as error:
        raise BadKey("The key cannot be read: a part is missing or changed. Copy the whole line again.") from error
    if not isinstance(key, rsa.RSAPublicKey):
        return BITS[kind]
    if key.key_size < RSA_BITS_MIN:
        raise BadKey(f"RSA keys need {RSA_BITS_MIN} bits; this one has {key.key_size}. Make a new one: ssh-keygen -t ed25519")
    return key.key_size
