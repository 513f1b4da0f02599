"""The lines of the jobs list, in a fixed number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.money import places_for
from rendering import forecast
from rendering.forecast import Range, Timing
from rendering.models import Attempt, Job, Task
from rendering.presentation.words import JOB_TONES, Counts, status_line
from rendering.states import JOB_FINAL, JobStatus


@dataclass(frozen=True)
class Row:
    """One line of the jobs list."""

    job: Job
    counts: Counts
    tone: str
    line: str
    has_thumbnail: bool
    cost: Range | None
    ends_at: datetime | None
    nodes: int

    @property
    def url(self) -> str:
        return self.job.get_absolute_url()

    @property
    def places(self) -> int:
        """Decimals of the amounts in this line."""
        return places_for(int(self.cost.high) if self.cost else self.job.charged_micros)


def rows_of(jobs: Sequence[Job], *, now: datetime) -> list[Row]:
    """The list's lines, in three queries however many jobs there are; a job that is over needs no forecast."""
    at_work = [job for job in jobs if job.status not in JOB_FINAL and job.submitted_at]
    counts = Task.objects.counts_by_job(jobs)
    timings = Attempt.objects.timing_by_job(at_work)
    nodes = Attempt.objects.nodes_by_job(at_work)
    return [_row(job, counts.get(job.pk, {}), timings.get(job.pk), nodes.get(job.pk, 0), now) for job in jobs]


def _row(job: Job, by_status: dict, timing_row: dict | None, nodes: int, now: datetime) -> Row:
    counts = Counts.of(job.frame_count, by_status)
    timing = timing_of(timing_row)
    left = forecast.seconds_left(timing, frames_left=counts.left, nodes=nodes)
    return Row(
        job=job,
        counts=counts,
        tone=JOB_TONES[JobStatus(job.status)],
        line=status_line(job, counts),
        has_thumbnail=bool(counts.viewable or job.scene.inspection.get("thumbnail_key")),
        cost=None if job.status in JOB_FINAL else projected_cost(job, counts, timing),
        ends_at=now + timedelta(seconds=left.high) if left and job.status == JobStatus.RENDERING else None,
        nodes=nodes,
    )


def timing_of(row: dict | None) -> Timing:
    return Timing(**{name: value or 0 for name, value in (row or {}).items()})


def projected_cost(job: Job, counts: Counts, timing: Timing) -> Range | None:
    """What the whole job will have cost, from its own accepted frames."""
    return forecast.micros_in_the_end(timing, charged_micros=job.charged_micros, frames_left=counts.left)
