"""Figures of a day: what the products add to their nodes' sums."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from django.db import connection
from django.db.models import Count, Sum

from common.lately import kept_if_many
from workers import events
from workers.models import Tally

MANY = 2_000  # rows of an owner's nodes; the sums of more are kept
KEPT_SECONDS = 60

ADD = """
    INSERT INTO workers_tally AS day (day_on, worker_id, tasks_accepted, tasks_failed, busy_seconds, earned_micros, tasks_left, tasks_unbegun)
    SELECT %s, * FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::float8[], %s::bigint[], %s::int[], %s::int[])
    ON CONFLICT (worker_id, day_on) DO UPDATE SET
        tasks_accepted = day.tasks_accepted + EXCLUDED.tasks_accepted,
        tasks_failed = day.tasks_failed + EXCLUDED.tasks_failed,
        busy_seconds = day.busy_seconds + EXCLUDED.busy_seconds,
        earned_micros = day.earned_micros + EXCLUDED.earned_micros,
        tasks_left = day.tasks_left + EXCLUDED.tasks_left,
        tasks_unbegun = day.tasks_unbegun + EXCLUDED.tasks_unbegun
"""


class Sums(NamedTuple):
    """What is added to one node's day."""

    worker_id: int
    tasks_accepted: int = 0
    tasks_failed: int = 0
    busy_seconds: float = 0.0
    earned_micros: int = 0
    tasks_left: int = 0
    tasks_unbegun: int = 0


def tally_all(day_on: date, sums: Sequence[Sums]) -> None:
    """Add to many nodes' sums in one statement; each node once.

    Locks: the rows of the day in the order of the nodes.
    """
    if not sums:
        return
    with connection.cursor() as cursor:
        cursor.execute(ADD, [day_on, *map(list, zip(*sorted(sums), strict=True))])
    events.announce_work(each.worker_id for each in sums)


class Day(NamedTuple):
    """The sums of one day over all nodes of an owner."""

    day_on: date
    tasks_accepted: int
    tasks_failed: int
    earned_micros: int
    busy_seconds: float = 0.0


def days_of(owner_id: int) -> list[Day]:
    """All days with work, oldest first; of a large fleet up to a minute old."""
    return kept_if_many(f"workers:days:{owner_id}", lambda: _days_of(owner_id), many=MANY, seconds=KEPT_SECONDS)


def _days_of(owner_id: int) -> tuple[list[Day], int]:
    """With the number of rows that were added up."""
    names = ("tasks_accepted", "tasks_failed", "earned_micros", "busy_seconds")
    sums = Tally.objects.filter(worker__owner=owner_id).values("day_on").annotate(*map(Sum, names), rows=Count("pk"))
    found = list(sums.order_by("day_on"))
    days = [Day(row["day_on"], *(row[f"{name}__sum"] for name in names)) for row in found]
    return days, sum(row["rows"] for row in found)
