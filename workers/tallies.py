"""Figures of a day: what the products add to their nodes' sums."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from django.db import connection

from workers import events

ADD = """
    INSERT INTO workers_tally AS day (day_on, worker_id, tasks_accepted, tasks_failed, busy_seconds, earned_micros)
    SELECT %s, * FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::float8[], %s::bigint[])
    ON CONFLICT (worker_id, day_on) DO UPDATE SET
        tasks_accepted = day.tasks_accepted + EXCLUDED.tasks_accepted,
        tasks_failed = day.tasks_failed + EXCLUDED.tasks_failed,
        busy_seconds = day.busy_seconds + EXCLUDED.busy_seconds,
        earned_micros = day.earned_micros + EXCLUDED.earned_micros
"""


class Sums(NamedTuple):
    """What is added to one node's day."""

    worker_id: int
    tasks_accepted: int = 0
    tasks_failed: int = 0
    busy_seconds: float = 0.0
    earned_micros: int = 0


def tally_all(day_on: date, sums: Sequence[Sums]) -> None:
    """Add to many nodes' sums in one statement; each node once.

    Locks: the rows of the day in the order of the nodes.
    """
    if not sums:
        return
    with connection.cursor() as cursor:
        cursor.execute(ADD, [day_on, *map(list, zip(*sorted(sums), strict=True))])
    events.announce_work(each.worker_id for each in sums)
