"""What a node did for all kinds of work, newest first, page by page: the products' own facts (workers.kinds.Made), put together."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from common import sheets
from common.money import format_plain
from common.paging import Place
from workers.kinds import Made, kind_names, kind_of
from workers.models import Worker

PK_MAX = 2**63 - 1
SPOT = re.compile(r"(.+)-([a-z_]{1,20})", re.ASCII)
CSV_BATCH = 500
CSV_ROWS_MAX = 100_000  # the newest; the statement has the money of all time
HEADER = (
    "task", "verdict", "reason", "fault", "leased (UTC)", "seconds", "earned (credits)", "kind of work",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spot:
    """A row in a list of several kinds, ordered by (lease, kind, row)."""

    kind: str
    place: Place

    def __str__(self) -> str:
        return f"{self.place}-{self.kind}"

    @classmethod
    def read(cls, text: str | None) -> "Spot | None":
        """What an address says; None for anything else."""
        found = SPOT.fullmatch(text or "")
        place = Place.read(found[1]) if found else None
        return cls(found[2], place) if found and place else None

    def of(self, kind: str) -> Place:
        """Where this kind goes on: of leases of one moment, those of kinds before this one come after it."""
        if kind == self.kind:
            return self.place
        return Place(self.place.created_at, PK_MAX if kind < self.kind else 0)


class Item(NamedTuple):
    kind: str
    made: Made

    @property
    def order(self) -> tuple[datetime, str, int]:
        return self.made.at, self.kind, self.made.number


@dataclass(frozen=True, slots=True)
class Page:
    items: list[Item]
    older: Spot | None  # where the next page begins; None on the last one


def page_of(worker: Worker, *, older: Spot | None, size: int, viewer) -> Page:
    """One query or two for each kind, however long the node has worked."""
    found = [
        Item(kind, made)
        for kind in kind_names()
        for made in kind_of(kind).made_by(worker.pk, older.of(kind) if older else None, size + 1, viewer)
    ]
    found.sort(key=lambda item: item.order, reverse=True)
    items = found[:size]
    return Page(items, _spot(items[-1]) if len(found) > size else None)


def _spot(item: Item) -> Spot:
    return Spot(item.kind, Place(item.made.at, item.made.number))


def csv_lines(worker: Worker, *, viewer) -> Iterator[str]:
    return sheets.lines(HEADER, map(_cells, _batched(worker, viewer)))


def _batched(worker: Worker, viewer) -> Iterator[Item]:
    """All of it; nothing but one batch is in memory."""
    older = None
    for _ in range(0, CSV_ROWS_MAX, CSV_BATCH):
        page = page_of(worker, older=older, size=CSV_BATCH, viewer=viewer)
        yield from page.items
        if (older := page.older) is None:
            return


def _cells(item: Item) -> tuple:
    made = item.made
    seconds = "" if made.seconds is None else round(made.seconds, 3)
    when, earned = sheets.moment_cell(made.at), format_plain(made.earned_micros)
    return sheets.text_cell(made.title), made.verdict, made.words, made.fault, when, seconds, earned, item.kind
