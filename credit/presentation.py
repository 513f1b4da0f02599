"""The words of the Credit page: how each code reads in a user's history, and the filters above it."""

from dataclasses import dataclass

from credit.codes import Bucket, Code
from credit.models import Transfer

# filter -> (words, codes); the order of the tabs
FILTERS: dict[str, tuple[str, tuple[Code, ...]]] = {
    "payment": ("Payments", (Code.TOP_UP,)),
    "promotion": ("Promotions", (Code.PROMOTION,)),
    "charge": ("Charges", (Code.CHARGE,)),
    "hold": ("Holds", (Code.HOLD, Code.RELEASE)),
    "earning": ("Earnings", (Code.EARNING, Code.MATURITY, Code.EARNING_REVERSED)),
    "refund": ("Refunds", (Code.REFUND,)),
}

# code -> (tone, sign of the amount, what happened to the credit)
READS: dict[Code, tuple[str, str, str]] = {
    Code.TOP_UP: ("ok", "+", "added to your purchased credit"),
    Code.PROMOTION: ("ok", "+", "added to your promotional credit"),
    Code.HOLD: ("quiet", "", "set aside; what is not used comes back"),
    Code.RELEASE: ("quiet", "", "no longer held; available again"),
    Code.CHARGE: ("accent", "−", "paid out of held credit"),
    Code.EARNING: ("info", "+", "pending; available later"),
    Code.MATURITY: ("ok", "", "pending earnings became available"),
    Code.REFUND: ("ok", "+", "given back to your available credit"),
    Code.EARNING_REVERSED: ("warn", "−", "taken back from pending; the charge was refunded"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a user's history."""

    transfer: Transfer

    @property
    def words(self) -> str:
        return self.transfer.get_code_display()

    @property
    def tone(self) -> str:
        return READS[self.transfer.code][0]

    @property
    def sign(self) -> str:
        return READS[self.transfer.code][1]

    @property
    def sentence(self) -> str:
        return READS[self.transfer.code][2]

    @property
    def bucket(self) -> str:
        """Which of the user's money it was, or became."""
        place = self.transfer.target if self.transfer.code == Code.MATURITY else self.transfer.source
        return Bucket(place.bucket).label


def codes_of(kind: str) -> tuple[Code, ...]:
    """The codes behind a filter; nothing for "all"."""
    return FILTERS[kind][1] if kind in FILTERS else ()


def tabs(path: str) -> list[dict]:
    """The filters as components/tabs.html wants them."""
    items = [{"key": "", "url": path, "words": "All", "count": None}]
    return items + [
        {"key": key, "url": f"{path}?kind={key}", "words": words, "count": None} for key, (words, _) in FILTERS.items()
    ]
