"""Seconds per accepted frame: groups of neighbours with their mean, and the frames that took far longer than others."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import TypeVar

from django.core.cache import cache
from django.db import connection

from rendering.forecast import Timing
from rendering.models import Attempt, Job

Kept = TypeVar("Kept")
POINTS = 160  # of the chart
OUTLIERS = 12  # shown, the slowest ones
OUTLIER_DEVIATIONS, OUTLIER_TIMES = 3.0, 1.5  # beyond the mean, and at least so many times the mean
KEPT_FROM = 400  # frames; a shorter job is read afresh in a moment
KEPT_SECONDS = 600

GROUPS = """
    SELECT min(frame), max(frame), count(*), sum(seconds), sum(seconds * seconds), min(seconds), max(seconds),
           (array_agg(frame ORDER BY seconds DESC))[1], sum(micros)::bigint
    FROM (
        SELECT task.frame, attempt.render_seconds AS seconds, task.charged_micros AS micros,
               row_number() OVER (ORDER BY task.frame) - 1 AS place
        FROM rendering_task AS task
        JOIN rendering_attempt AS attempt ON attempt.task_id = task.id AND attempt.number = task.attempt
        WHERE task.job_id = %s AND task.status = 'accepted' AND attempt.render_seconds IS NOT NULL
    ) AS timed GROUP BY place / %s ORDER BY 1
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


def groups_of(job: Job, *, accepted: int) -> list[Group]:
    """At most POINTS groups of neighbours."""
    return _kept("groups", job, accepted, lambda: _read(job, accepted))


def nodes_of(job: Job, *, accepted: int) -> list[tuple[str, int, float]]:
    """(node's name, accepted frames, mean seconds), most frames first."""
    return _kept("nodes", job, accepted, lambda: list(Attempt.objects.accepted().filter(task__job=job).by_node()))


def _kept(name: str, job: Job, accepted: int, read: Callable[[], Kept]) -> Kept:
    """What was read before, for a long job. Every acceptance changes charge or count, so it is never an old answer."""
    if accepted < KEPT_FROM:
        return read()
    return cache.get_or_set(f"rendering:{name}:{job.pk}:{accepted}:{job.charged_micros}", read, timeout=KEPT_SECONDS)


def _read(job: Job, accepted: int) -> list[Group]:
    if not accepted:
        return []
    with connection.cursor() as cursor:
        cursor.execute(GROUPS, [job.pk, max(1, -(-accepted // POINTS))])
        return [Group(*row) for row in cursor.fetchall()]


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
