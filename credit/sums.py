"""Sums of transfers by day: kept for days of UTC that are over, added up on the spot for the rest.

Days are kept in order and for everybody at once, so whatever lies on or before the newest day that is kept is complete.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection
from django.db.models import Count, F, Max, Q, Sum
from django.db.models.functions import Coalesce, TruncDate

from credit.models import DaySum, Transfer

SETTLES = timedelta(hours=1)  # after midnight: a transaction that began before it has ended by then

KEEP = """
    INSERT INTO credit_daysum (owner_id, day, code, source_id, target_id, hold_id, amount_micros, entries)
    SELECT t.owner_id, (t.created_at AT TIME ZONE 'UTC')::date, t.code, t.source_id, t.target_id, coalesce(t.hold_id, o.hold_id),
           sum(t.amount_micros), count(*)
    FROM credit_transfer t LEFT JOIN credit_transfer o ON o.id = t.reverses_id
    WHERE t.owner_id IS NOT NULL AND t.created_at >= %s AND t.created_at < %s
    GROUP BY 1, 2, 3, 4, 5, 6
    ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Summed:
    """Transfers that are alike: `hold_id` and `day` only where they were asked for."""

    owner_id: int
    code: str
    source_id: int
    target_id: int
    hold_id: int | None
    day: date | None
    amount_micros: int
    entries: int


def keep_sums(now: datetime) -> int:
    """Add up the days that are over and not kept yet; returns the rows written. A second run at once writes nothing more."""
    since = midnight(first) if (first := _first_open_day()) else datetime.min.replace(tzinfo=UTC)
    until = midnight((now.astimezone(UTC) - SETTLES).date())
    if since >= until:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [since, until])
        return cursor.rowcount


def sums_of(owner_ids, since: datetime | None, until: datetime, *, codes=(), by=()) -> list[Summed]:
    """What these users' transfers from `since` on (None: from the first), before `until`, add up to.

    By owner, code, source and target, and by "hold" and "day" where `by` names them; the same may come in two parts.
    """
    first_open = _first_open_day()
    begins = _whole_day_after(since) if since else date.min
    ends = min(first_open, until.astimezone(UTC).date()) if first_open else begins
    only = Q(owner__in=owner_ids) & (Q(code__in=codes) if codes else Q())
    if ends <= begins:
        return list(_read(Transfer.objects.filter(only, _between(since, until)), by))
    loose = _between(midnight(ends), until)
    if since and since < midnight(begins):
        loose |= _between(since, midnight(begins))
    kept = DaySum.objects.filter(only, day__gte=begins, day__lt=ends)
    return [*_read_kept(kept, by), *_read(Transfer.objects.filter(only, loose), by)]


def midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def _first_open_day() -> date | None:
    newest = DaySum.objects.aggregate(newest=Max("day"))["newest"]
    return newest + timedelta(days=1) if newest else None


def _whole_day_after(moment: datetime) -> date:
    """The first day that begins at `moment` or later."""
    day = moment.astimezone(UTC).date()
    return day if midnight(day) == moment else day + timedelta(days=1)


def _between(since: datetime | None, until: datetime) -> Q:
    return Q(created_at__lt=until) & (Q(created_at__gte=since) if since else Q())


def _read(rows, by) -> Iterator[Summed]:
    """Only what is asked for is looked up: the hold costs a join."""
    parts = {"day": TruncDate("created_at", tzinfo=UTC), "hold": Coalesce(F("hold"), F("reverses__hold"))}
    return _grouped(rows.order_by().annotate(**{f"of_{name}": parts[name] for name in by}), by, Count("pk"))


def _read_kept(rows, by) -> Iterator[Summed]:
    return _grouped(rows.annotate(of_day=F("day"), of_hold=F("hold")), by, Sum("entries"))


def _grouped(rows, by, entries) -> Iterator[Summed]:
    names = ["owner", "code", "source", "target", *(f"of_{name}" for name in by)]
    for row in rows.values(*names).annotate(micros=Sum("amount_micros"), count=entries):
        yield Summed(
            row["owner"],
            row["code"],
            row["source"],
            row["target"],
            row.get("of_hold"),
            row.get("of_day"),
            int(row["micros"]),
            row["count"],
        )
