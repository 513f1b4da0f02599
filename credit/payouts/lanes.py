"""What sending asks of a chain, whichever it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Unreachable(Exception):
    """The node did not answer as nodes do. Nothing is known: the same is tried again later."""


class WrongChain(Exception):
    """The node, or the key, is not the one that the settings name. Nothing is signed."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A transaction that may be sent. `gas_price` in the chain's smallest unit, at most."""

    data: bytes
    hash: str
    expires_at: datetime | None
    gas_price: int


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be signed."""

    number: int
    contract: str
    to: str
    units: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a payout gets no number now, in words for operators. `is_its_own`: it lies with this payout, so another one may go."""

    words: str
    is_its_own: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """What was signed before, under the same number."""

    hash: str
    expires_at: datetime | None
    gas_price: int


class FateKind(StrEnum):
    PENDING = "pending"  # may still land
    INCLUDED = "included"  # the chain shows it; it may be taken back
    PAID = "paid"  # final
    FAILED = "failed"  # final: its number is used up, nothing was paid
    EXPIRED = "expired"  # nothing that was signed can land any more, and the number is free
    STRANGE = "strange"  # the number was used by something that is not ours, or ours did what it should not


@dataclass(frozen=True, slots=True)
class Fate:
    kind: FateKind
    hash: str = ""
    words: str = ""


PENDING = Fate(FateKind.PENDING)


@dataclass(frozen=True, slots=True)
class Funds:
    """What the sending address holds, and what one transaction may burn at most."""

    asset_units: int
    gas_units: int
    gas_units_each: int


class Lane(Protocol):
    """A sending address on a chain. Every method may raise Unreachable."""

    address: str

    def check(self) -> None:
        """Raises WrongChain."""

    def next_number(self) -> int:
        """The first number that the chain has not used."""

    def funds(self, contract: str) -> Funds: ...

    def preflight(self, order: Order) -> Refusal | None:
        """Why the transfer would fail if it were sent now; None: it would arrive. No number is looked at."""

    def sign(self, order: Order, made: Sequence[Made]) -> Signed:
        """A transaction under the number of `order`: the first, or one in the place of those `made`."""

    def broadcast(self, data: bytes) -> str:
        """Send, or send again. What the node says against it; it may have landed all the same."""

    def fate(self, order: Order, made: Sequence[Made]) -> Fate:
        """What became of everything that was signed under this number."""

    def is_stuck(self, made: Sequence[Made], seconds_old: int) -> bool:
        """Should another transaction take the place of those that wait?"""
