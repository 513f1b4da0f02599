"""What nodes earned of late for an hour online, by GPU model: measured, over the whole network, for people who think of joining.

A model is told only where nodes of OWNERS_MIN owners have it, so that no figure is one person's; a node counts once it has
been online for HOURS_MIN hours.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.core.cache import cache
from django.db import connection

DAYS = 30
OWNERS_MIN = 3
HOURS_MIN = 24
KEPT_SECONDS = 3_600
KEY = "workers:market"
CPU = "CPU"  # nodes without a GPU

# A node with GPUs of several models is left out: nobody can say which of them earned what.
MEASURE = """
    WITH node AS (
        SELECT worker.id, owner_id, coalesce(min(gpu.model), %(cpu)s) AS model, greatest(count(gpu.id), 1) AS gpus
        FROM workers_worker worker LEFT JOIN workers_gpu gpu ON gpu.worker_id = worker.id
        GROUP BY worker.id HAVING count(DISTINCT gpu.model) < 2),
    online AS (
        SELECT worker_id, sum(extract(epoch FROM coalesce(ended_at, %(now)s) - greatest(started_at, %(since)s))) AS seconds
        FROM workers_shift WHERE coalesce(ended_at, %(now)s) > %(since)s GROUP BY worker_id),
    done AS (
        SELECT worker_id, sum(earned_micros) AS micros, sum(busy_seconds) AS seconds
        FROM workers_tally WHERE day_on > %(since)s::date GROUP BY worker_id),
    power AS (
        SELECT worker_id, sum(watts_sum) / sum(samples) AS watts FROM workers_gpuday WHERE day_on > %(since)s::date GROUP BY worker_id),
    paid AS (
        SELECT model, owner_id, coalesce(done.micros, 0) * 3600 / online.seconds / gpus AS hour_micros, watts,
               least(coalesce(done.seconds, 0) / online.seconds, 1) AS busy
        FROM node JOIN online ON online.worker_id = node.id LEFT JOIN done ON done.worker_id = node.id
             LEFT JOIN power ON power.worker_id = node.id
        WHERE online.seconds >= %(seconds_min)s)
    SELECT model, count(*), percentile_cont(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY hour_micros)::float8[],
           avg(busy)::float8, avg(watts)::float8
    FROM paid GROUP BY model HAVING count(DISTINCT owner_id) >= %(owners_min)s ORDER BY model
"""


class Measured(NamedTuple):
    """One GPU of a model, or one node without a GPU; the middle half of all such nodes."""

    model: str
    nodes: int
    low_hour_micros: int  # for an hour online, whether there was work or not
    high_hour_micros: int
    busy: float  # 0..1 of the time online
    watts: int | None  # of the GPU, on average; None where no node measures it


def measured(*, now: datetime) -> dict[str, Measured]:
    """By model; up to an hour old."""
    return cache.get_or_set(KEY, lambda: measure(now=now), KEPT_SECONDS)


def measure(*, now: datetime) -> dict[str, Measured]:
    given = {
        "cpu": CPU,
        "now": now,
        "since": now - timedelta(days=DAYS),
        "seconds_min": HOURS_MIN * 3_600,
        "owners_min": OWNERS_MIN,
    }
    with connection.cursor() as cursor:
        cursor.execute(MEASURE, given)
        rows = cursor.fetchall()
    return {
        model: Measured(model, nodes, int(low), int(high), busy, None if watts is None else round(watts))
        for model, nodes, (low, high), busy, watts in rows
    }
