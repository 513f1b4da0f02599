"""The four key figures of a job: accepted, finish, cost, checked."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from common.money import format_exact, places_for
from common.words import plural
from rendering import forecast
from rendering.estimates import quote
from rendering.forecast import Range, Timing
from rendering.models import Job
from rendering.presentation.reading import Reading
from rendering.presentation.rows import projected_cost
from rendering.presentation.words import Counts
from rendering.states import JOB_FINAL, JobStatus


@dataclass(frozen=True)
class Finish:
    """When the last frame is expected; `low` may equal `high` in minutes."""

    low: datetime
    high: datetime

    @property
    def same_minute(self) -> bool:
        return self.low.replace(second=0, microsecond=0) == self.high.replace(second=0, microsecond=0)


def stats_part(reading: Reading) -> dict:
    job, counts, now = reading.job, reading.counts, reading.now
    cost = _cost_range(job, counts, reading.timing, now)
    took = job.finished_at - job.submitted_at if job.finished_at and job.submitted_at else None
    return {
        "job": job,
        "counts": counts,
        "is_final": job.status in JOB_FINAL,
        "finish": _finish(job, counts, reading.timing, reading.nodes_running, now),
        "finish_sentence": _finish_sentence(job, counts, reading.timing, reading.nodes_running),
        "took_seconds": took.total_seconds() if took is not None else None,
        "cost": cost,
        "places": places_for(int(cost.high) if cost else job.charged_micros),
        "cost_sentence": _cost_sentence(job),
        "spent_percent": _spent_percent(job, cost),
        **_accepted(counts, job.unit),
        **_checked(reading),
    }


def _spent_percent(job: Job, cost: Range | None) -> float | None:
    """How far the meter stands: of the cap, else of what the job will probably cost. None where there is no end to it."""
    whole = job.cap_micros or (int(cost.high) if cost else 0)
    return min(100.0, round(100 * job.charged_micros / whole, 2)) if whole else None


def _accepted(counts: Counts, unit: str) -> dict:
    if counts.failed:
        return {"accepted_sentence": f"{plural(counts.failed, unit)} failed", "accepted_tone": "bad"}
    return {"accepted_sentence": "", "accepted_tone": ""}


def _finish(job: Job, counts: Counts, timing: Timing, nodes: int, now: datetime) -> Finish | None:
    left = forecast.seconds_left(timing, frames_left=counts.left, nodes=nodes)
    if left is None or job.status not in {JobStatus.QUEUED, JobStatus.RENDERING}:
        return None
    return Finish(*(_whole_quarter_minute(now + timedelta(seconds=seconds)) for seconds in (left.low, left.high)))


def _whole_quarter_minute(when: datetime) -> datetime:
    """Rounded, so that the element only changes when the forecast does."""
    return when.replace(second=when.second // 15 * 15, microsecond=0)


def _finish_sentence(job: Job, counts: Counts, timing: Timing, nodes: int) -> str:
    pace = f"{timing.mean_seconds:.1f} s a {job.unit}" if timing.frames else ""
    if job.status in JOB_FINAL:
        return pace
    if job.status == JobStatus.PAUSED and not nodes:
        return "Known once it goes on"
    if not nodes:
        return "No node is at work on it now" if counts.left else pace
    at_work = f"{plural(nodes, 'node')} at work"
    return f"{at_work}, {pace}" if pace else f"{at_work}; known after the first {job.unit}"


def _cost_range(job: Job, counts: Counts, timing: Timing, now: datetime) -> Range | None:
    """What it will have cost: from its own frames, before the first one as it was quoted."""
    if job.status in JOB_FINAL or not counts.left:
        return None
    if not timing.frames and job.estimate_high_micros is not None:
        return Range(job.estimate_low_micros or 0, job.estimate_high_micros)
    if not timing.frames:
        quoted = quote(job, now)
        return Range(quoted.low_micros, quoted.high_micros)
    return projected_cost(job, counts, timing)


def _cost_sentence(job: Job) -> str:
    if job.status in JOB_FINAL:
        return "Nothing more will be charged"
    if job.cap_micros is None:
        return "No cap; it pauses when credit does not cover the next frame"
    return f"Cap {format_exact(job.cap_micros)}, the job pauses before it is passed"


def _checked(reading: Reading) -> dict:
    """Frames that went through the checks, and how many of them were refused."""
    counts, refused, unit = reading.counts, reading.refused, reading.job.unit
    if refused:
        sentence, tone = f"{refused:,} refused and rendered again, free for you", "warn"
    elif counts.accepted:
        sentence, tone = f"No {unit} refused", "ok"
    else:
        sentence, tone = f"Every {unit} is checked before it is charged", ""
    return {
        "checked": counts.accepted + refused,
        "checked_words": unit if counts.accepted + refused == 1 else f"{unit}s, each one",
        "checked_sentence": sentence,
        "checked_tone": tone,
    }
