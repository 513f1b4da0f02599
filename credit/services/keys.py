"""The keys under which one movement of a caller is written, one per bucket and share."""

from collections.abc import Iterable

from credit.codes import SPEND_ORDER
from credit.errors import KeyReused
from credit.models import Transfer
from credit.splitting import SHARES


def bucket_keys(key: str) -> list[str]:
    """One key per bucket that a movement may draw on."""
    return [f"{key}/{bucket.value}" for bucket in SPEND_ORDER]


def check_amount(key: str, known: Iterable[Transfer], amount_micros: int) -> None:
    if sum(row.amount_micros for row in known) != amount_micros:
        raise KeyReused(key)


def charge_keys(key: str) -> list[str]:
    """The keys of every transfer that a charge may consist of."""
    return [f"{each}{share}" for each in bucket_keys(key) for share in ("", *(f"/{name}" for name in SHARES))]
