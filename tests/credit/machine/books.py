"""The ledger as a person would keep it: numbers in a dictionary, no database. Pure; people are small numbers, None the network."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from credit.codes import SPEND_ORDER, Bucket, Kind
from credit.splitting import divide_charge

PENDING = timedelta(hours=72)
Parts = dict[Bucket, int]


@dataclass(eq=False)
class Held:
    owner: int
    parts: Parts = field(default_factory=lambda: dict.fromkeys(SPEND_ORDER, 0))
    clears_at: datetime | None = None
    is_closed: bool = False

    @property
    def left(self) -> int:
        return sum(self.parts.values())


@dataclass(eq=False)
class Earned:
    """One share of a worker. `frozen_by`: the dispute that keeps it, or took it (`is_taken`)."""

    worker: int
    bucket: Bucket
    micros: int
    matures_at: datetime | None
    matured_at: datetime | None = None  # when it would have, while it is frozen
    is_settled: bool = False
    frozen_by: object | None = None
    is_taken: bool = False


@dataclass(eq=False)
class Charged:
    owner: int
    number: int  # in the order of transfers
    at: datetime
    parts: dict[Bucket, dict[str, int]]
    earned: dict[Bucket, Earned]
    is_refunded: bool = False

    @property
    def micros(self) -> int:
        return sum(sum(shares.values()) for shares in self.parts.values())


class Books:
    """Balances by (person, kind, bucket)."""

    def __init__(self) -> None:
        self.at: dict[tuple[int | None, Kind, Bucket], int] = defaultdict(int)
        self.holds: dict[int, Held] = {}
        self.charges: dict[str, Charged] = {}
        self.earned: list[Earned] = []
        self.clears_at: dict[int, datetime] = {}
        self.number = 0

    def move(self, source, target, micros: int) -> None:
        self.number += 1
        self.at[source] -= micros
        self.at[target] += micros

    def add(self, kind: Kind, who: int, bucket: Bucket, micros: int) -> None:
        """From the network's account into somebody's wallet; below zero takes."""
        self.move((None, kind, bucket), (who, Kind.SPENDABLE, bucket), micros)

    def available(self, who: int) -> int:
        return sum(self.at[who, Kind.SPENDABLE, bucket] for bucket in SPEND_ORDER)

    def held(self, who: int) -> int:
        return sum(self.at[who, Kind.HOLDING, bucket] for bucket in SPEND_ORDER)

    def hold(self, held: Held, micros: int) -> None:
        """Promotional first, then purchased, then earned; the caller knows that there is enough."""
        for bucket in SPEND_ORDER:
            part = min(micros, self.at[held.owner, Kind.SPENDABLE, bucket])
            self.move((held.owner, Kind.SPENDABLE, bucket), (held.owner, Kind.HOLDING, bucket), part)
            held.parts[bucket] += part
            micros -= part
            if part and bucket == Bucket.PURCHASED:
                held.clears_at = max(filter(None, (held.clears_at, self.clears_at.get(held.owner))), default=None)
        assert not micros

    def give_back(self, held: Held) -> int:
        given = held.left
        for bucket, part in held.parts.items():
            self.move((held.owner, Kind.HOLDING, bucket), (held.owner, Kind.SPENDABLE, bucket), part)
            held.parts[bucket] = 0
        return given

    def charge(self, key: str, held: Held, micros: int, worker: int, shares_bp: dict[str, int], now: datetime) -> Charged:
        taken, left = {}, micros
        for bucket in SPEND_ORDER:
            if part := min(left, held.parts[bucket]):
                taken[bucket] = part
                held.parts[bucket] -= part
                left -= part
        divided = divide_charge(taken, shares_bp)
        charged = Charged(held.owner, self.number, now, divided, {})
        for bucket, shares in divided.items():
            here = (held.owner, Kind.HOLDING, bucket)
            self.move(here, (worker, Kind.PENDING, bucket), shares["worker"])
            self.move(here, (None, Kind.CHECKERS, bucket), shares["checkers"])
            self.move(here, (None, Kind.NETWORK, bucket), shares["network"])
            if shares["worker"]:
                due = self._due(held, worker, bucket, now)
                charged.earned[bucket] = self._earn(Earned(worker, bucket, shares["worker"], due))
        self.charges[key] = charged
        return charged

    def _due(self, held: Held, worker: int, bucket: Bucket, now: datetime) -> datetime | None:
        if held.owner == worker:
            return None
        clears_at = held.clears_at if bucket == Bucket.PURCHASED else None
        return max(now + PENDING, clears_at) if clears_at else now + PENDING

    def _earn(self, earned: Earned) -> Earned:
        self.earned.append(earned)
        return earned

    def may_refund(self, charged: Charged) -> bool:
        return not charged.is_refunded and not any(earned.is_taken for earned in charged.earned.values())

    def refund(self, charged: Charged) -> None:
        """The network bears what has matured."""
        charged.is_refunded = True
        for bucket, shares in charged.parts.items():
            to, earned = (charged.owner, Kind.SPENDABLE, bucket), charged.earned.get(bucket)
            self.move((None, Kind.CHECKERS, bucket), to, shares["checkers"])
            self.move((None, Kind.NETWORK, bucket), to, shares["network"])
            if earned and earned.is_settled:
                self.move((None, Kind.NETWORK, bucket), to, earned.micros)
            elif earned:
                self.move((earned.worker, Kind.PENDING, bucket), to, earned.micros)
                earned.is_settled = True

    def mature(self, now: datetime) -> int:
        due = [each for each in self.earned if not each.is_settled and each.matures_at and each.matures_at <= now]
        for earned in due:
            to = Bucket.PROMOTIONAL if earned.bucket == Bucket.PROMOTIONAL else Bucket.EARNED
            self.move((earned.worker, Kind.PENDING, earned.bucket), (earned.worker, Kind.SPENDABLE, to), earned.micros)
            earned.is_settled = True
        return len(due)
