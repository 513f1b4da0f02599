"""Do the books agree with the rows, the chains and the provider? Comparisons of figures that others have read. Pure.

What is not known is never fine: a node or provider that did not answer gives `UNKNOWN`.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from django.db.models import TextChoices

from common.money import format_exact


class Verdict(TextChoices):
    """From harmless to grave."""

    FINE = "fine", "Agrees"
    LOOK = "look", "Needs a look"
    UNKNOWN = "unknown", "Not known"
    WRONG = "wrong", "Differs"


GRAVITY = list(Verdict)


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison, in words for operators. `part`: books, chains or provider."""

    part: str
    subject: str
    verdict: Verdict
    words: str

    def as_object(self) -> dict[str, str]:
        """For a JSON column."""
        return asdict(self) | {"verdict": self.verdict.value}


@dataclass(frozen=True, slots=True)
class Wallets:
    """What a chain's treasury and sending wallet hold of one asset, and what the books say should be there. Units.

    `booked`: deposits that were settled less payouts that were confirmed. `under_way`: payouts that may or may not have left.
    """

    held: int
    booked: int
    under_way: int


def gravest(lines: Iterable[Line]) -> Verdict:
    """The verdict of a whole look."""
    return max((line.verdict for line in lines), key=GRAVITY.index, default=Verdict.FINE)


def compare_books(subject: str, *, account_micros: int, rows_micros: int, rows: str) -> Line:
    """An account of the ledger against the rows that it stands for, which must be equal."""
    if account_micros == rows_micros:
        return Line("books", subject, Verdict.FINE, f"{format_exact(account_micros)} credits, as the {rows} say.")
    words = f"The account holds {format_exact(account_micros)}, the {rows} say {format_exact(rows_micros)}."
    return Line("books", subject, Verdict.WRONG, words)


def compare_wallets(subject: str, wallets: Wallets, *, symbol: str, micros_of) -> Line:
    """More than the books say is the operator's float; less is an alarm. `micros_of` turns units into micros."""
    least = max(0, wallets.booked - wallets.under_way)
    held, missing = format_exact(micros_of(wallets.held)), least - wallets.held
    if missing > 0:
        short, wanted = format_exact(micros_of(missing)), format_exact(micros_of(least))
        return Line(
            "chains", subject, Verdict.WRONG, f"{held} {symbol} are there: {short} less than the {wanted} of the books."
        )
    booked, surplus = format_exact(micros_of(max(0, wallets.booked))), wallets.held - max(0, wallets.booked)
    more = f", {format_exact(micros_of(surplus))} more than the {booked} of the books: the network's own" if surplus > 0 else ""
    return Line("chains", subject, Verdict.FINE, f"{held} {symbol} are there{more}.")


def judge_gas(subject: str, *, gas_units: int, gas_units_each: int, least_payouts: int) -> Line:
    """How many payouts the sending wallet's gas is enough for."""
    payouts = gas_units // max(1, gas_units_each)
    verdict = Verdict.FINE if payouts >= least_payouts else Verdict.LOOK
    advice = "" if verdict == Verdict.FINE else " Send it some."
    return Line("chains", subject, verdict, f"Gas for {payouts:,} payouts at today's price.{advice}")


@dataclass(frozen=True, slots=True)
class Booked:
    """A payment as our rows have it. Micros; `returned`: credit that went back since, or is in dispute."""

    capture_id: str
    total_micros: int  # paid
    amount_micros: int  # credit
    credited: bool
    returned_micros: int


@dataclass(frozen=True, slots=True)
class Collected:
    """The same at the provider: captures that brought money as (id, currency, micros); money that went back, and its credit."""

    captures: tuple[tuple[str, str, int], ...]
    returned_money_micros: int
    returned_micros: int


def difference_of_payment(booked: Booked, collected: Collected, currency: str) -> str:
    """What the provider says otherwise than the rows, in words; empty: they agree."""
    if not booked.credited:
        kept = sum(micros for *_, micros in collected.captures) > collected.returned_money_micros
        return "the provider has collected it, it is not credited" if kept else ""
    if booked.returned_micros >= booked.amount_micros:
        return ""  # all of it is back
    if not collected.captures:
        return "credited, and the provider has collected nothing"
    if collected.captures != ((booked.capture_id, currency, booked.total_micros),):
        found = ", ".join(f"{format_exact(micros)} {money}" for _, money, micros in collected.captures)
        return f"credited for {format_exact(booked.total_micros)} {currency}, the provider has collected {found}"
    if (missing := collected.returned_micros - booked.returned_micros) > 0:
        return f"the provider has given money back, {format_exact(missing)} credits more than are booked"
    return ""
