"""Payments that may be taken back, as a person would keep them: disputes, what they freeze, what is owed. Pure."""

from dataclasses import dataclass, field
from datetime import datetime

from credit.codes import Bucket, Kind
from tests.credit.machine.books import PENDING, Books, Earned

FREE = (Bucket.PURCHASED, Bucket.EARNED)


@dataclass(eq=False)
class Paid:
    """A payment: so much credit, after so many transfers."""

    owner: int
    micros: int
    total: int  # with the fee
    number: int
    returned: int = 0  # of the total, by the provider
    disputes: list["Doubt"] = field(default_factory=list)

    @property
    def in_doubt(self) -> int:
        return sum(doubt.micros for doubt in self.disputes if doubt.status != "won")

    def credit_of(self, money: int) -> int:
        return self.micros if money >= self.total else -(-money * self.micros // self.total)


@dataclass(eq=False)
class Doubt:
    paid: Paid
    micros: int
    held: dict[Bucket, int] = field(default_factory=lambda: dict.fromkeys(FREE, 0))
    frozen: list[Earned] = field(default_factory=list)
    owed: int = 0
    status: str = "open"


class DoubtfulBooks(Books):
    """Books with payments by a provider."""

    def __init__(self) -> None:
        super().__init__()
        self.debts: list[Doubt] = []  # the oldest first
        self.payments: list[Paid] = []

    def owed(self, who: int) -> int:
        return sum(doubt.owed for doubt in self.debts if doubt.paid.owner == who)

    def is_in_doubt(self, who: int) -> bool:
        """Nothing of theirs goes out."""
        mine = [doubt for paid in self.payments if paid.owner == who for doubt in paid.disputes]
        return bool(self.owed(who)) or any(doubt.status == "open" for doubt in mine)

    def pay(self, who: int, micros: int, total: int, clears_at: datetime) -> Paid:
        self.add(Kind.PROVIDER, who, Bucket.PURCHASED, micros)
        self.clears_at[who] = max(clears_at, self.clears_at.get(who, clears_at))
        self.payments.append(Paid(who, micros, total, self.number))
        return self.payments[-1]

    def dispute(self, paid: Paid, micros: int) -> Doubt:
        doubt = Doubt(paid, min(micros, paid.micros - paid.in_doubt))
        earned = self._earned_from(paid, doubt.micros, doubt)
        paid.disputes.append(doubt)
        if missing := doubt.micros - self._hold_back(doubt, doubt.micros):
            self._freeze(doubt, self._within(earned, missing))
            self._owe(doubt, missing)
        return doubt

    def resolve(self, doubt: Doubt, micros: int) -> None:
        if doubt.status != "open":
            return
        who, lost = doubt.paid.owner, min(micros, doubt.micros)
        earned = self._earned_from(doubt.paid, doubt.micros, doubt)
        self._hold_back(doubt, max(0, lost - sum(doubt.held.values())))
        left = lost
        for bucket in FREE:
            gone = min(left, doubt.held[bucket])
            here = (who, Kind.DISPUTED, bucket)
            self.move(here, (None, Kind.PROVIDER, Bucket.PURCHASED), gone)
            self.move(here, (who, Kind.SPENDABLE, bucket), doubt.held[bucket] - gone)
            doubt.held[bucket], left = 0, left - gone
        taken = self._within(earned, left)
        self._freeze(doubt, [each for each in taken if each not in doubt.frozen])
        for each in taken:
            self.move((each.worker, Kind.PENDING, each.bucket), (None, Kind.PROVIDER, Bucket.PURCHASED), each.micros)
            each.is_settled = each.is_taken = True
        for each in doubt.frozen:
            if not each.is_taken:
                each.frozen_by, each.matures_at = None, each.matured_at
        doubt.frozen = taken
        borne = left - sum(each.micros for each in taken)
        self.move((None, Kind.NETWORK, Bucket.PURCHASED), (None, Kind.PROVIDER, Bucket.PURCHASED), borne)
        self._owe(doubt, left)
        doubt.micros, doubt.status = lost or doubt.micros, "lost" if lost else "won"

    def return_of(self, paid: Paid, returned: int) -> None:
        """The provider gave so much back to the payer in all."""
        if returned and (part := paid.credit_of(returned) - paid.in_doubt) > 0:
            self.resolve(self.dispute(paid, part), part)

    def collect(self, who: int, now: datetime) -> None:
        for doubt in [each for each in self.debts if each.owed and each.paid.owner == who]:
            if doubt.status == "open":
                doubt.owed -= self._hold_back(doubt, doubt.owed)
                continue
            for bucket in FREE:
                part = min(doubt.owed, self.at[who, Kind.SPENDABLE, bucket])
                self.move((who, Kind.SPENDABLE, bucket), (None, Kind.NETWORK, Bucket.PURCHASED), part)
                doubt.owed -= part
            if not doubt.owed:
                self._restore(doubt, now)

    def _restore(self, doubt: Doubt, now: datetime) -> None:
        due = max(now + PENDING, self.clears_at[doubt.paid.owner])
        for each in doubt.frozen:
            self.move((None, Kind.NETWORK, Bucket.PURCHASED), (each.worker, Kind.PENDING, each.bucket), each.micros)
            self._earn(Earned(each.worker, each.bucket, each.micros, due if each.matured_at else None))
        doubt.frozen = []

    def _earned_from(self, paid: Paid, at_most: int, doubt: Doubt) -> list[tuple[int, Earned]]:
        """The payer's purchased charges since then, the newest first, until one does not fit; of those what is still open."""
        found = []
        for charged in sorted(self.charges.values(), key=lambda each: -each.number):
            micros = sum(charged.parts.get(Bucket.PURCHASED, {}).values())
            if charged.owner != paid.owner or charged.number < paid.number or charged.is_refunded or not micros:
                continue
            if micros > at_most:
                break
            at_most -= micros
            earned = charged.earned.get(Bucket.PURCHASED)
            if earned and not earned.is_settled and earned.frozen_by in (None, doubt):
                found.append((micros, earned))
        return found

    @staticmethod
    def _within(earned: list[tuple[int, Earned]], missing: int) -> list[Earned]:
        found = []
        for micros, each in earned:
            if micros > missing:
                break
            missing -= micros
            found.append(each)
        return found

    def _hold_back(self, doubt: Doubt, wanted: int) -> int:
        found = 0
        for bucket in FREE:
            part = min(wanted - found, self.at[doubt.paid.owner, Kind.SPENDABLE, bucket])
            self.move((doubt.paid.owner, Kind.SPENDABLE, bucket), (doubt.paid.owner, Kind.DISPUTED, bucket), part)
            doubt.held[bucket] += part
            found += part
        return found

    def _freeze(self, doubt: Doubt, earned: list[Earned]) -> None:
        for each in earned:
            each.frozen_by, each.matured_at, each.matures_at = doubt, each.matures_at, None
        doubt.frozen += earned

    def _owe(self, doubt: Doubt, micros: int) -> None:
        doubt.owed = micros
        if doubt not in self.debts and micros:
            self.debts.append(doubt)
