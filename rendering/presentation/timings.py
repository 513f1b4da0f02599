"""Seconds per accepted frame: groups of neighbours with their mean, and the frames that took far longer than others."""

from dataclasses import dataclass
from math import sqrt

from django.core.cache import cache
from django.db import connection

from rendering.forecast import Timing
from rendering.models import Job

POINTS = 120  # of the chart
OUTLIERS = 12  # shown, the slowest ones
OUTLIER_DEVIATIONS, OUTLIER_TIMES = 3.0, 1.5  # beyond the mean, and at least so many times the mean
NODES_SHOWN = 20
KEPT_FROM = 400  # frames; a shorter job is read afresh in a moment
KEPT_SECONDS = 600

GROUPS = """
    WITH timed AS (
        SELECT CASE task.tile WHEN 0 THEN task.frame ELSE task.tile END AS frame,
               attempt.render_seconds AS seconds, task.charged_micros AS micros, attempt.worker_id,
               (row_number() OVER (ORDER BY task.frame, task.tile) - 1) / %s AS place
        FROM rendering_task AS task
        JOIN rendering_attempt AS attempt ON attempt.task_id = task.id AND attempt.number = task.attempt
        WHERE task.job_id = %s AND task.status = 'accepted' AND attempt.render_seconds IS NOT NULL
    )
    SELECT (SELECT name FROM workers_worker WHERE id = worker_id),
           min(frame), max(frame), count(*), sum(seconds), sum(seconds * seconds), min(seconds), max(seconds),
           (array_agg(frame ORDER BY seconds DESC))[1], sum(micros)::bigint
    FROM timed GROUP BY GROUPING SETS ((place), (worker_id)) ORDER BY 2
"""


@dataclass(frozen=True)
class Group:
    """Neighbouring accepted frames and what they took, in seconds of their nodes."""

    first: int
    last: int
    frames: int
    seconds: float
    squares: float
    least: float
    most: float
    slowest: int  # its frame
    micros: int

    @property
    def mean(self) -> float:
        return self.seconds / self.frames

    @property
    def words(self) -> str:
        return f"frame {self.first}" if self.first == self.last else f"frames {self.first}–{self.last}"


@dataclass(frozen=True)
class Times:
    """What the accepted frames of a job took: by groups of neighbours, and by node."""

    groups: list[Group]
    nodes: list[tuple[str, int, float]]  # name, frames, mean seconds; most frames first


def times_of(job: Job, *, accepted: int) -> Times:
    """At most one query; of a long job what was read before. Every acceptance changes charge or count, so it is never old."""
    if accepted < KEPT_FROM:
        return _read(job, accepted)
    key = f"rendering:times:{job.pk}:{accepted}:{job.charged_micros}"
    return cache.get_or_set(key, lambda: _read(job, accepted), timeout=KEPT_SECONDS)


def _read(job: Job, accepted: int) -> Times:
    if not accepted:
        return Times([], [])
    with connection.cursor() as cursor:
        cursor.execute(GROUPS, [max(1, -(-accepted // POINTS)), job.pk])
        rows = cursor.fetchall()
    groups = [Group(*row[1:]) for row in rows if row[0] is None]
    nodes = [(name, group.frames, group.mean) for name, group in ((row[0], Group(*row[1:])) for row in rows if row[0])]
    return Times(groups, sorted(nodes, key=lambda node: (-node[1], node[0]))[:NODES_SHOWN])


def timing_of(groups: list[Group]) -> Timing:
    """Frames, mean and deviation over all groups, and the mean charge."""
    frames = sum(group.frames for group in groups)
    if not frames:
        return Timing()
    mean = sum(group.seconds for group in groups) / frames
    variance = max(0.0, sum(group.squares for group in groups) / frames - mean * mean)
    return Timing(frames, mean, sqrt(variance), sum(group.micros for group in groups) / frames)


def outliers_of(groups: list[Group]) -> list[Group]:
    """Groups whose slowest frame stands out, the slowest first."""
    timing = timing_of(groups)
    bound = max(timing.mean_seconds + OUTLIER_DEVIATIONS * timing.deviation_seconds, timing.mean_seconds * OUTLIER_TIMES)
    out = sorted((group for group in groups if group.most > bound), key=lambda group: -group.most)
    return out[:OUTLIERS]
