"""What nodes earned of late for an hour online, by GPU model: measured, over the whole network, for people who think of joining.

No figure is one person's: a model is told only where OWNERS_MIN owners did accepted work on it, and each owner counts once,
with the average of their nodes. A node counts once it has been online for HOURS_MIN hours; one whose GPUs were refuted does not.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.core.cache import cache
from django.db import connection

from workers.counting import counted_gpus_sql, renders_on_gpu_sql

DAYS = 30
OWNERS_MIN = 3
HOURS_MIN = 24
MODELS_MAX = 200  # those of the most owners
KEPT_SECONDS = 3_600
KEY = "workers:market:by-owner"
CPU = "CPU"  # nodes without a GPU

# A node with GPUs of several models is left out: nobody can say which of them earned what.
MEASURE = f"""
    WITH node AS (
        SELECT worker.id, owner_id, coalesce(min(gpu.model), %(cpu)s) AS model, greatest(count(gpu.id), 1) AS gpus
        FROM workers_worker worker LEFT JOIN workers_gpu gpu
             ON gpu.worker_id = worker.id AND {counted_gpus_sql("worker", "gpu")}
        WHERE NOT simulated AND (worker.gpus_believed OR NOT {renders_on_gpu_sql("worker")})
        GROUP BY worker.id HAVING count(DISTINCT gpu.model) < 2),
    online AS (
        SELECT worker_id, sum(extract(epoch FROM coalesce(ended_at, %(now)s) - greatest(started_at, %(since)s))) AS seconds
        FROM workers_shift WHERE coalesce(ended_at, %(now)s) > %(since)s GROUP BY worker_id),
    done AS (
        SELECT worker_id, sum(earned_micros) AS micros, sum(busy_seconds) AS seconds, sum(tasks_accepted) AS tasks
        FROM workers_tally WHERE day_on > %(since)s::date GROUP BY worker_id),
    power AS (
        SELECT worker_id, sum(watts_sum) / sum(samples) AS watts FROM workers_gpuday WHERE day_on > %(since)s::date GROUP BY worker_id),
    paid AS (
        SELECT model, owner_id, coalesce(done.micros, 0) * 3600 / online.seconds / gpus AS hour_micros, watts,
               least(coalesce(done.seconds, 0) / online.seconds, 1) AS busy, coalesce(done.tasks, 0) AS tasks
        FROM node JOIN online ON online.worker_id = node.id LEFT JOIN done ON done.worker_id = node.id
             LEFT JOIN power ON power.worker_id = node.id
        WHERE online.seconds >= %(seconds_min)s),
    owner AS (
        SELECT model, count(*) AS nodes, avg(hour_micros) AS hour_micros, avg(busy) AS busy, avg(watts) AS watts, sum(tasks) AS tasks
        FROM paid GROUP BY model, owner_id)
    SELECT model, count(*), sum(nodes)::int, percentile_cont(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY hour_micros)::float8[],
           avg(busy)::float8, CASE WHEN count(watts) >= %(owners_min)s THEN avg(watts)::float8 END
    FROM owner GROUP BY model HAVING count(*) FILTER (WHERE tasks > 0) >= %(owners_min)s
    ORDER BY count(*) DESC, model LIMIT %(models_max)s
"""


class Measured(NamedTuple):
    """One GPU of a model, or one node without a GPU; the middle half of the owners of such nodes."""

    model: str
    owners: int
    nodes: int
    low_hour_micros: int  # for an hour online, whether there was work or not
    high_hour_micros: int
    busy: float  # 0..1 of the time online
    watts: int | None  # of the GPU, on average; None where fewer than OWNERS_MIN owners' nodes measure it


def measured(*, now: datetime) -> dict[str, Measured]:
    """By model, in their order; up to an hour old."""
    return cache.get_or_set(KEY, lambda: measure(now=now), KEPT_SECONDS)


def measure(*, now: datetime) -> dict[str, Measured]:
    given = {
        "cpu": CPU,
        "now": now,
        "since": now - timedelta(days=DAYS),
        "seconds_min": HOURS_MIN * 3_600,
        "owners_min": OWNERS_MIN,
        "models_max": MODELS_MAX,
    }
    with connection.cursor() as cursor:
        cursor.execute(MEASURE, given)
        rows = cursor.fetchall()
    return {
        model: Measured(model, owners, nodes, int(low), int(high), busy, None if watts is None else round(watts))
        for model, owners, nodes, (low, high), busy, watts in sorted(rows)
    }
