"""Why a signature is not believed. The words for people are in users.wording."""

from enum import StrEnum


class Reason(StrEnum):
    BAD_ENCODING = "bad_encoding"
    UNSUPPORTED_KEY = "unsupported_key"
    BAD_SIGNATURE = "bad_signature"
    ADDRESS_MISMATCH = "address_mismatch"
    CHAIN_UNAVAILABLE = "chain_unavailable"
    NONCE_USED = "nonce_used"
    NONCE_EXPIRED = "nonce_expired"
    NONCE_MISMATCH = "nonce_mismatch"
    DOMAIN_MISMATCH = "domain_mismatch"
    CHAIN_MISMATCH = "chain_mismatch"
    MESSAGE_MISMATCH = "message_mismatch"
    FIELD_MISMATCH = "field_mismatch"


class Refused(Exception):
    """A proof that is not believed; `detail` is for the log."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason, self.detail = reason, detail
