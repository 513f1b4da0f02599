"""What credit was spent on: by day, by job, by instance."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from credit.models import Hold
from credit.spending import SPENDING, net_micros
from credit.sums import Summed, sums_of

ITEMS_MAX = 200  # jobs and instances that a table shows, dearest first
SERIES_MAX = 6  # of these with a colour of their own in the chart; the rest is one


@dataclass(slots=True)
class Item:
    """A job or an instance, and what it cost in the period."""

    kind: str  # "job", "instance": the first word of its hold's key
    number: str
    words: str
    spent_micros: int = 0
    charges: int = 0
    by_day: dict[date | None, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(frozen=True, slots=True)
class Usage:
    """One user's spending on the days from `days[0]` to `days[-1]`; amounts are charged less refunded."""

    days: list[date]
    items: list[Item]  # dearest first

    @property
    def spent_micros(self) -> int:
        return sum(item.spent_micros for item in self.items)

    @property
    def charges(self) -> int:
        return sum(item.charges for item in self.items)

    @property
    def by_day(self) -> list[tuple[date, int]]:
        return [(day, sum(item.by_day.get(day, 0) for item in self.items)) for day in self.days]

    def of_kind(self, kind: str) -> list[Item]:
        return [item for item in self.items if item.kind == kind][:ITEMS_MAX]

    @property
    def series(self) -> list[tuple[str, list[int]]]:
        """(words, micros by day) for the chart: the dearest few, and everything else together."""
        shown = [(item.words, [item]) for item in self.items[:SERIES_MAX]]
        if rest := self.items[SERIES_MAX:]:
            shown.append(("Everything else", rest))
        return [(words, [sum(item.by_day.get(day, 0) for item in items) for day in self.days]) for words, items in shown]


def usage_of(user, since: datetime, until: datetime) -> Usage:
    """From midnight to midnight, UTC."""
    items = _items(sums_of([user.pk], since, until, codes=SPENDING, by=("day", "hold")))
    days = [since.date() + timedelta(days=day) for day in range((until.date() - since.date()).days)]
    return Usage(days, sorted(items, key=lambda item: -item.spent_micros))


def _items(sums: Sequence[Summed]) -> list[Item]:
    holds = Hold.objects.in_bulk({row.hold_id for row in sums if row.hold_id})
    items: dict[tuple[str, str], Item] = {}
    for row in sums:
        kind, number, words = _named(holds.get(row.hold_id) if row.hold_id else None)
        item = items.setdefault((kind, number), Item(kind, number, words))
        item.spent_micros += net_micros(row)
        item.charges += row.entries
        item.by_day[row.day] += net_micros(row)
    return list(items.values())


def _named(hold: Hold | None) -> tuple[str, str, str]:
    """What a hold was for: `job:12:hold:1` with the purpose's words."""
    if hold is None:
        return "other", "", "Without a hold"
    kind, number, *_ = [*hold.key.split(":"), ""]
    return kind, number, hold.purpose
