"""How reliable a node is: a public formula over what it did, faded with a half-life of 30 days. PURE.

    reliability = U x S x H
    U = (6 h + hours online) / (10 h + hours expected), hours at work counting three times
    S = (20 + begun) / (20 + begun + never begun)
    H = (20 + accepted) / (20 + begun), where begun = accepted + failed + left

What is added keeps one figure from a few events: a new node stands at 60 %, for its uptime is unknown; of its work nothing
bad is known. S and H have the same, so that S x H = (20 + accepted) / (20 + all that were given to it): a failure never
raises the whole. Source: decision 0043; docs/scheduling.md says it to people.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

HALF_LIFE_DAYS = 30
WORK_WEIGHT = 3  # of an hour while the node holds work, against one on offer
UP_HOURS, ALL_HOURS = 6, 10  # Beta(6, 4): what is believed of a node before it was seen
TASKS = 20  # as many tasks that went well
HOUR = 3_600
WHOLE_BP = 10_000


class Record(NamedTuple):
    """What a node did, on a day or as it counts by now. Expected: neither paused nor closed, and the network was there."""

    offer_seconds: float = 0.0  # expected online, and it held no work
    offer_up_seconds: float = 0.0  # of these online
    work_seconds: float = 0.0  # the same while it held work
    work_up_seconds: float = 0.0
    accepted: float = 0.0  # tasks
    failed: float = 0.0  # through the node's fault
    left: float = 0.0  # begun, and the node went away from them
    unbegun: float = 0.0  # its to begin, and it never did

    @property
    def begun(self) -> float:
        return self.accepted + self.failed + self.left


class Parts(NamedTuple):
    """Each 0..1."""

    uptime: float
    starts: float
    honoured: float

    @property
    def whole(self) -> float:
        return self.uptime * self.starts * self.honoured


def fading(days: int) -> float:
    """How much a day counts so many days later, 0..1."""
    return 0.5 ** (days / HALF_LIFE_DAYS)


def faded(days: Iterable[tuple[date, Record]], today: date) -> Record:
    """Everything that a node did, as it counts today."""
    weighed = [[fading((today - day).days) * fact for fact in record] for day, record in days]
    return Record(*map(sum, zip(*weighed, strict=True))) if weighed else Record()


def parts_of(record: Record) -> Parts:
    up_hours = (record.offer_up_seconds + WORK_WEIGHT * record.work_up_seconds) / HOUR
    all_hours = (record.offer_seconds + WORK_WEIGHT * record.work_seconds) / HOUR
    return Parts(
        uptime=(UP_HOURS + up_hours) / (ALL_HOURS + all_hours),
        starts=(TASKS + record.begun) / (TASKS + record.begun + record.unbegun),
        honoured=(TASKS + record.accepted) / (TASKS + record.begun),
    )


def reliability_bp(record: Record) -> int:
    """In basis points, rounded down; what a rounding error of a float takes away is not lost."""
    return int(WHOLE_BP * parts_of(record).whole + 1e-6)
