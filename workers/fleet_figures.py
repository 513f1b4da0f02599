"""What all nodes of one owner did together: days online, and what power cost. Of a large fleet up to a minute old."""

from bisect import bisect_right
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.models import Sum

from common.lately import kept_if_many
from workers.control_models import Controls
from workers.energy import Net, energy_micros
from workers.models import Tally
from workers.states import WorkerStatus
from workers.uptime import DAY_SECONDS, since_midnight

MANY = 200  # nodes of an owner; the days of more are kept
KEPT_SECONDS = 60

# Seconds by day (UTC): every shift is cut into the days that it touches.
ONLINE = """
    SELECT (day AT TIME ZONE 'UTC')::date,
           sum(extract(epoch FROM least(coalesce(ended_at, %(now)s), day + interval '1 day') - greatest(started_at, day)))::float8
    FROM workers_shift JOIN workers_worker node ON node.id = worker_id, generate_series(
        date_trunc('day', greatest(started_at, %(since)s), 'UTC'), coalesce(ended_at, %(now)s), interval '1 day') AS day
    WHERE owner_id = %(owner)s AND coalesce(ended_at, %(now)s) > %(since)s
    GROUP BY 1
"""

# When each node first signed on, and when one that is retired was last seen at work.
LIVES = """
    SELECT min(started_at), CASE WHEN status = %(retired)s THEN max(coalesce(ended_at, %(now)s)) ELSE %(now)s END
    FROM workers_shift JOIN workers_worker node ON node.id = worker_id WHERE owner_id = %(owner)s GROUP BY node.id
"""

SECONDS_OF = """
    SELECT worker_id, sum(extract(epoch FROM coalesce(ended_at, %(now)s) - greatest(started_at, %(since)s)))::float8
    FROM workers_shift WHERE worker_id = ANY(%(workers)s) AND coalesce(ended_at, %(now)s) > %(since)s GROUP BY 1
"""


class DayOnline(NamedTuple):
    """All nodes of an owner on one day."""

    day_on: date
    seconds: float
    nodes: int  # that had ever signed on by then and were not retired
    could_seconds: float  # from their first sign-on, to their last hour or to now

    def share(self, length_seconds: float) -> float:
        """0..1 of what these nodes could have been online in so long a day."""
        return min(1.0, self.seconds / (self.nodes * length_seconds)) if self.nodes and length_seconds else 0.0


def days_online(owner_id: int, *, days: int, now: datetime) -> list[DayOnline]:
    """The last days, oldest first, today included."""
    key = f"workers:days-online:2:{owner_id}:{days}:{now.date()}"
    return kept_if_many(key, lambda: _days_online(owner_id, days, now), many=MANY, seconds=KEPT_SECONDS)


def _days_online(owner_id: int, days: int, now: datetime) -> tuple[list[DayOnline], int]:
    """With the number of nodes that were looked at."""
    dates = [now.date() - timedelta(days=n) for n in range(days - 1, -1, -1)]
    since = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    given = {"owner": owner_id, "now": now, "since": since, "retired": WorkerStatus.RETIRED.value}
    with connection.cursor() as cursor:
        cursor.execute(ONLINE, given)
        seconds = dict(cursor.fetchall())
        cursor.execute(LIVES, given)
        lives = cursor.fetchall()
    began, ended = sorted(first.date() for first, _ in lives), sorted(last.date() for _, last in lives)
    nodes = {day: bisect_right(began, day) - bisect_right(ended, day - timedelta(days=1)) for day in dates}
    could = _could_seconds(lives, nodes)
    return [DayOnline(day, seconds.get(day, 0.0), nodes[day], could[day]) for day in dates], len(lives)


def _could_seconds(lives: list[tuple[datetime, datetime]], nodes: dict[date, int]) -> dict[date, float]:
    """Whole days of all their nodes, less what was before the first and after the last moment of each."""
    could = {day: float(count * DAY_SECONDS) for day, count in nodes.items()}
    for first, last in lives:
        if first.date() in could:
            could[first.date()] -= since_midnight(first)
        if last.date() in could:
            could[last.date()] -= DAY_SECONDS - since_midnight(last)
    return could


def nets_of(controls: list[Controls], *, since: datetime, now: datetime) -> dict[int, Net]:
    """Earnings less power since then, by node, of those whose owner has said what power costs and how much they draw."""
    priced = {each.worker_id: each for each in controls if each.kwh_micros is not None and each.busy_watts is not None}
    if not priced:
        return {}
    tallies = Tally.objects.filter(worker__in=priced, day_on__gt=since.date()).order_by().values("worker_id")
    sums = {row["worker_id"]: row for row in tallies.annotate(busy=Sum("busy_seconds"), earned=Sum("earned_micros"))}
    online = seconds_online(list(priced), since=since, now=now)
    return {
        worker_id: _net(each, sums.get(worker_id, {"busy": 0.0, "earned": 0}), online.get(worker_id, 0.0))
        for worker_id, each in priced.items()
    }


def _net(controls: Controls, sums: dict, online_seconds: float) -> Net:
    energy = energy_micros(
        busy_seconds=sums["busy"],
        online_seconds=online_seconds,
        busy_watts=controls.busy_watts,
        idle_watts=controls.idle_watts,
        kwh_micros=controls.kwh_micros,
    )
    return Net(sums["earned"], energy)


def seconds_online(worker_ids: list[int], *, since: datetime, now: datetime) -> dict[int, float]:
    with connection.cursor() as cursor:
        cursor.execute(SECONDS_OF, {"workers": worker_ids, "since": since, "now": now})
        return dict(cursor.fetchall())
