"""Is a webhook PayPal's? Proved here: the signature, the certificate behind it, and the certificate's chain to a known root.

What is signed: transmission id | transmission time | webhook id | CRC-32 of the body.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import verification
from django.core.cache import cache

from common.limits import is_within
from credit.providers.base import BadEvent, ProviderUnavailable
from credit.providers.http import send

WINDOW = timedelta(minutes=5)
ALGORITHM = "SHA256withRSA"
CERTIFICATE_SECONDS = 86_400
CERTIFICATE_BYTES_MAX = 32 << 10
FETCHES_PER_MINUTE = 20  # forged addresses below the right folder must not make us fetch without end


@dataclass(frozen=True, slots=True)
class Signers:
    """Whose certificates count: those at addresses below `folder_url`, for `name`, issued under `roots_file`."""

    folder_url: str
    name: str
    roots_file: str


def check(headers: Mapping[str, str], body: bytes, *, webhook_id: str, signers: Signers, now: datetime) -> datetime:
    """When it was sent. Raises BadEvent: forged or late; ProviderUnavailable: the certificate could not be had."""
    sent_at = _moment(headers.get("PAYPAL-TRANSMISSION-TIME", ""))
    if abs(now - sent_at) > WINDOW:
        raise BadEvent("late", 409)
    if headers.get("PAYPAL-AUTH-ALGO") != ALGORITHM:
        raise BadEvent("unknown algorithm")
    transmission = [headers.get("PAYPAL-TRANSMISSION-ID", ""), headers["PAYPAL-TRANSMISSION-TIME"]]
    signed = "|".join([*transmission, webhook_id, str(zlib.crc32(body))])
    key = _key(headers.get("PAYPAL-CERT-URL", ""), signers, now)
    try:
        signature = base64.b64decode(headers.get("PAYPAL-TRANSMISSION-SIG", ""), validate=True)
        key.verify(signature, signed.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise BadEvent("forged", 403) from error
    return sent_at


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadEvent("no time") from error
    if moment.tzinfo is None:
        raise BadEvent("no time zone")
    return moment


def _key(url: str, signers: Signers, now: datetime) -> RSAPublicKey:
    """The public key of the certificate at `url`, whose chain is proved anew each time."""
    name = url.removeprefix(signers.folder_url)
    if name == url or not name or not all(letter.isalnum() or letter in "-_" for letter in name) or not name.isascii():
        raise BadEvent("certificate from elsewhere", 403)
    try:
        leaf, *others = x509.load_pem_x509_certificates(_certificate(url))
        verifier = verification.PolicyBuilder().store(_roots(signers.roots_file)).time(now)
        verifier.build_server_verifier(x509.DNSName(signers.name)).verify(leaf, others)
    except (ValueError, verification.VerificationError) as error:
        raise BadEvent("certificate not trusted", 403) from error
    key = leaf.public_key()
    if not isinstance(key, RSAPublicKey):
        raise BadEvent("certificate of another kind", 403)
    return key


def _certificate(url: str) -> bytes:
    """PEM, kept for a day."""
    key = f"paypal-certificate:{url}"
    if kept := cache.get(key):
        return kept
    if not is_within("paypal-certificate", "all", limit=FETCHES_PER_MINUTE, seconds=60):
        raise ProviderUnavailable("too many certificates")
    answer = send("GET", url)
    if answer.status_code != 200 or len(answer.content) > CERTIFICATE_BYTES_MAX:
        raise ProviderUnavailable(f"certificate: {answer.status_code}")
    cache.set(key, answer.content, timeout=CERTIFICATE_SECONDS)
    return answer.content


@lru_cache(maxsize=4)
def _roots(file: str) -> verification.Store:
    """Root certificates: of `file`, else those that browsers know."""
    return verification.Store(x509.load_pem_x509_certificates(Path(file or certifi.where()).read_bytes()))
