"""A month of a user's money: what there was, what came, what went, what there is. Added up from the ledger's own entries."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from credit.codes import USER_KINDS, Code, Kind
from credit.models import Account, Transfer
from credit.sums import Summed, midnight, sums_of


@dataclass(frozen=True, slots=True)
class Line:
    """What one kind of entry changed in a month."""

    code: Code
    entries: int
    changes: dict[Kind, int]  # micros, by place

    @property
    def words(self) -> str:
        return self.code.label

    @property
    def total_micros(self) -> int:
        return sum(self.changes.values())


@dataclass(frozen=True, slots=True)
class Statement:
    """A month, in UTC; `opening` and `closing` are micros by place."""

    month: date
    ends_at: datetime
    opening: dict[Kind, int]
    lines: list[Line]

    @property
    def closing(self) -> dict[Kind, int]:
        return {place: self.opening[place] + sum(line.changes.get(place, 0) for line in self.lines) for place in USER_KINDS}

    @property
    def places(self) -> list[Kind]:
        """The columns: money that a provider has frozen only where there is, or was, any."""
        touched = {place for line in self.lines for place in line.changes}
        return [place for place in USER_KINDS if place != Kind.DISPUTED or place in touched or self.opening[place]]

    @property
    def table(self) -> list[tuple[str, int | None, list[tuple[str, int]]]]:
        """(words, entries, (place, micros) and the total) from opening to closing."""
        rows: list[tuple[str, int | None, list[tuple[str, int]]]] = [("Opening", None, self._amounts(self.opening))]
        rows += [(line.words, line.entries, self._amounts(line.changes)) for line in self.lines]
        return [*rows, ("Closing", None, self._amounts(self.closing))]

    def _amounts(self, changes: dict[Kind, int]) -> list[tuple[str, int]]:
        amounts = [(str(place.label), changes.get(place, 0)) for place in self.places]
        return [*amounts, ("Total", sum(amount for _, amount in amounts))]

    @property
    def in_micros(self) -> int:
        return sum(line.total_micros for line in self.lines if line.total_micros > 0)

    @property
    def out_micros(self) -> int:
        return -sum(line.total_micros for line in self.lines if line.total_micros < 0)


def statement_of(user, month: date) -> Statement:
    """The statement of the month that begins with `month`; of the present one, so far."""
    begins_at, ends_at = midnight(month), midnight(next_month(month))
    places = {pk: Kind(kind) for pk, kind in Account.objects.filter(owner=user).values_list("pk", "kind")}
    before = _lines(places, sums_of([user.pk], None, begins_at))
    opening = {place: sum(line.changes.get(place, 0) for line in before) for place in USER_KINDS}
    return Statement(month, ends_at, opening, _lines(places, sums_of([user.pk], begins_at, ends_at)))


def months_of(user, now: datetime) -> list[date]:
    """The months since the user's first entry, newest first."""
    first = Transfer.objects.filter(owner=user).order_by("created_at", "id").values_list("created_at", flat=True).first()
    return list(_months(first.astimezone(UTC).date().replace(day=1), now.astimezone(UTC).date()))[::-1] if first else []


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _months(month: date, last: date) -> Iterator[date]:
    while month <= last:
        yield month
        month = next_month(month)


def _lines(places: dict[int, Kind], sums: list[Summed]) -> list[Line]:
    """Sums by code; a move within the user's own accounts changes two places and no total."""
    changes: dict[str, dict[Kind, int]] = defaultdict(lambda: defaultdict(int))
    entries: dict[str, int] = defaultdict(int)
    for row in sums:
        entries[row.code] += row.entries
        if row.source_id in places:
            changes[row.code][places[row.source_id]] -= row.amount_micros
        if row.target_id in places:
            changes[row.code][places[row.target_id]] += row.amount_micros
    return [Line(code, entries[code], dict(changes[code])) for code in Code if code in entries]
