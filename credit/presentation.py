"""The words of the Credit page: how each code reads in a user's history, and the filters above it."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from credit.codes import Bucket, Code
from credit.models import Transfer
from credit.services import Balance

CENT_MICROS = 10_000
DIRECTION_WORDS = {"+": "in", "−": "out", "": "within"}  # of the signs below
SECTIONS = [
    ("overview", "Overview"),
    ("top-up", "Top up"),
    ("withdraw", "Withdraw"),
    ("history", "History"),
    ("usage", "Usage"),
    ("budgets", "Budgets"),
    ("statement-list", "Statements"),
]

# filter -> (words, codes); the order of the tabs
FILTERS: dict[str, tuple[str, tuple[Code, ...]]] = {
    "payment": (
        "Payments",
        (
            Code.TOP_UP,
            Code.CLAIM,
            Code.DISPUTE,
            Code.DISPUTE_WON,
            Code.CHARGEBACK,
            Code.DEBT_PAID,
            Code.ADJUSTED_UP,
            Code.ADJUSTED_DOWN,
        ),
    ),
    "promotion": ("Promotions", (Code.PROMOTION,)),
    "charge": ("Charges", (Code.CHARGE,)),
    "hold": ("Holds", (Code.HOLD, Code.RELEASE)),
    "earning": ("Earnings", (Code.EARNING, Code.PROBE, Code.MATURITY, Code.EARNING_REVERSED)),
    "refund": ("Refunds", (Code.REFUND,)),
    "withdrawal": ("Withdrawals", (Code.WITHDRAWAL, Code.WITHDRAWAL_RETURNED)),
}

# code -> (tone, sign of the amount, what happened to the credit)
READS: dict[Code, tuple[str, str, str]] = {
    Code.TOP_UP: ("ok", "+", "was added"),
    Code.CLAIM: ("ok", "+", "was added: its sender became known as you"),
    Code.PROMOTION: ("ok", "+", "was added, to spend"),
    Code.HOLD: ("quiet", "", "was set aside; what is not used comes back"),
    Code.RELEASE: ("quiet", "", "is available again"),
    Code.CHARGE: ("accent", "−", "was paid out of what was held"),
    Code.EARNING: ("info", "+", "paid for an accepted task; pending, available later"),
    Code.PROBE: ("ok", "+", "paid by the network for a probe frame, to spend"),
    Code.MATURITY: ("ok", "", "became available"),
    Code.REFUND: ("ok", "+", "was given back; it is available"),
    Code.EARNING_REVERSED: ("warn", "−", "was taken back from pending: the charge was refunded"),
    Code.DISPUTE: ("warn", "−", "is on hold while the payment it came from is in doubt"),
    Code.DISPUTE_WON: ("ok", "+", "is available again: the dispute is over"),
    Code.CHARGEBACK: ("warn", "−", "went back to who paid"),
    Code.DEBT_PAID: ("warn", "−", "paid what a payment that was taken back left open"),
    Code.ADJUSTED_UP: ("ok", "+", "was added by an operator"),
    Code.ADJUSTED_DOWN: ("warn", "−", "was taken by an operator"),
    Code.WITHDRAWAL: ("accent", "−", "left for your payout address"),
    Code.WITHDRAWAL_RETURNED: ("ok", "+", "came back from a withdrawal; it is available"),
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
        return READS[Code(self.transfer.code)][0]

    @property
    def sign(self) -> str:
        return READS[Code(self.transfer.code)][1]

    @property
    def sentence(self) -> str:
        return f"{self.bucket} credit {READS[Code(self.transfer.code)][2]}"

    @property
    def places(self) -> int:
        """Decimals: cents, or every micro where a frame's price needs them."""
        return 6 if self.transfer.amount_micros % CENT_MICROS else 2

    @property
    def bucket(self) -> str:
        """Which of the user's money it was, or became."""
        place = self.transfer.target if self.transfer.code == Code.MATURITY else self.transfer.source
        return Bucket(place.bucket).label


@dataclass(frozen=True, slots=True)
class Part:
    """One figure of the balance: what it is, and when it changes."""

    label: str
    amount_micros: int
    meaning: str
    changes: str


def parts_of(balance: Balance) -> list[Part]:
    """The four figures of the Credit page, in words that a person would use."""
    return [
        Part(
            "Available",
            balance.available_micros,
            "Yours to spend now",
            "Grows with top-ups, released holds, refunds and matured earnings; falls when a job sets credit aside or you withdraw.",
        ),
        Part(
            "Held",
            balance.held_micros,
            "Set aside for work under way",
            "Falls frame by frame as results are accepted and charged. What is not used returns when the job ends.",
        ),
        Part(
            "Pending",
            balance.pending_micros,
            "Earned, not available yet",
            "Each earning waits, usually 72 hours, until its payment is final. Then it moves to available.",
        ),
        Part(
            "Withdrawable",
            balance.withdrawable_micros,
            "The earned part of available",
            "Grows as earnings mature. Top-ups and promotions can be spent, not withdrawn.",
        ),
    ]


def balance_places(balance: Balance) -> int:
    """Decimals for all four figures: two while everything is whole cents, else four."""
    figures = (balance.available_micros, balance.held_micros, balance.pending_micros, balance.withdrawable_micros)
    return 4 if any(figure % CENT_MICROS for figure in figures) else 2


def codes_of(kind: str) -> tuple[Code, ...]:
    """The codes behind a filter; nothing for "all"."""
    return FILTERS[kind][1] if kind in FILTERS else ()


def tabs(path: str, said: Mapping[str, str]) -> list[dict]:
    """The kinds as components/tabs.html wants them; what else was said stays in the address."""
    kinds = [("", "All"), *((key, words) for key, (words, _) in FILTERS.items())]
    return [
        {"key": key, "url": f"{path}?{urlencode({**said, **({'kind': key} if key else {})})}".rstrip("?"), "words": words}
        for key, words in kinds
    ]


def sections() -> list[dict]:
    """The pages of the Credit section as components/tabs.html wants them."""
    return [{"key": name, "url": reverse(f"credit:{name}"), "words": words} for name, words in SECTIONS]
