"""What credit was spent on: by day, by job, by instance."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Count, F
from django.db.models.functions import Coalesce, TruncDate

from credit.models import Hold, Transfer
from credit.spending import NET, SPENDING

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
    by_day: dict[date, int] = field(default_factory=lambda: defaultdict(int))


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
    """From midnight to midnight of the reader's time zone."""
    rows = Transfer.objects.filter(owner=user, code__in=SPENDING, created_at__gte=since, created_at__lt=until)
    sums = list(
        rows.order_by()
        .annotate(day=TruncDate("created_at"), of_hold=Coalesce(F("hold"), F("reverses__hold")))
        .values_list("day", "of_hold")
        .annotate(net=NET, entries=Count("pk"))
    )
    items = _items(sums)
    days = [since.date() + timedelta(days=day) for day in range((until.date() - since.date()).days)]
    return Usage(days, sorted(items, key=lambda item: -item.spent_micros))


def _items(sums: Sequence[tuple[date, int | None, int, int]]) -> list[Item]:
    holds = Hold.objects.in_bulk({hold_id for _, hold_id, _, _ in sums if hold_id})
    items: dict[tuple[str, str], Item] = {}
    for day, hold_id, net, count in sums:
        kind, number, words = _named(holds.get(hold_id) if hold_id else None)
        item = items.setdefault((kind, number), Item(kind, number, words))
        item.spent_micros += int(net)
        item.charges += count
        item.by_day[day] += int(net)
    return list(items.values())


def _named(hold: Hold | None) -> tuple[str, str, str]:
    """What a hold was for: `job:12:hold:1` with the purpose's words."""
    if hold is None:
        return "other", "", "Without a hold"
    kind, number, *_ = [*hold.key.split(":"), ""]
    return kind, number, hold.purpose
