"""The four key figures of a job: accepted, finish, cost, checked."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from common.money import format_exact, places_for
from common.words import plural
from rendering import forecast, reasons
from rendering.estimates import quote
from rendering.forecast import Range, Timing
from rendering.models import Attempt, Job
from rendering.presentation.head import counts_of
from rendering.presentation.rows import projected_cost, timing_of
from rendering.presentation.words import Counts
from rendering.states import JOB_FINAL, JobStatus

CHECK_REASONS = [
    reasons.Reason.FILE_MISSING,
    reasons.Reason.UNDECODABLE,
    reasons.Reason.WRONG_SIZE,
    reasons.Reason.WRONG_CHANNELS,
    reasons.Reason.NOT_FINITE,
    reasons.Reason.HASH_MISMATCH,
    reasons.Reason.BLACK,
    reasons.Reason.CONSTANT,
    reasons.Reason.DUPLICATE,
]


@dataclass(frozen=True)
class Finish:
    """When the last frame is expected; `low` may equal `high` in minutes."""

    low: datetime
    high: datetime

    @property
    def same_minute(self) -> bool:
        return self.low.replace(second=0, microsecond=0) == self.high.replace(second=0, microsecond=0)


def stats_part(job: Job, *, now: datetime) -> dict:
    counts = counts_of(job)
    timing = timing_of(Attempt.objects.timing_by_job([job]).get(job.pk))
    nodes = Attempt.objects.nodes_by_job([job]).get(job.pk, 0)
    cost = _cost_range(job, counts, timing, now)
    return {
        "job": job,
        "counts": counts,
        "is_final": job.status in JOB_FINAL,
        "finish": _finish(job, counts, timing, nodes, now),
        "finish_sentence": _finish_sentence(job, counts, timing, nodes),
        "took_seconds": (job.finished_at - job.submitted_at).total_seconds() if job.finished_at and job.submitted_at else None,
        "cost": cost,
        "places": places_for(int(cost.high) if cost else job.charged_micros),
        "cost_sentence": _cost_sentence(job),
        **_accepted(counts),
        **_checked(job, counts),
    }


def _accepted(counts: Counts) -> dict:
    if counts.failed:
        return {"accepted_sentence": f"{plural(counts.failed, 'frame')} failed", "accepted_tone": "bad"}
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
    pace = f"{timing.mean_seconds:.1f} s a frame" if timing.frames else ""
    if job.status in JOB_FINAL:
        return pace
    if not nodes:
        return "No node is at work on it now" if counts.left else pace
    at_work = f"{plural(nodes, 'node')} at work"
    return f"{at_work}, {pace}" if pace else f"{at_work}; known after the first frame"


def _cost_range(job: Job, counts: Counts, timing: Timing, now: datetime) -> Range | None:
    """What it will have cost: from its own frames, before the first one as it was quoted."""
    if job.status in JOB_FINAL or not counts.left:
        return None
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


def _checked(job: Job, counts: Counts) -> dict:
    """Frames that went through the checks, and how many of them were refused."""
    refused = Attempt.objects.filter(task__job=job, outcome__in=CHECK_REASONS).count()
    if refused:
        sentence, tone = f"{refused} refused and rendered again, free for you", "warn"
    elif counts.accepted:
        sentence, tone = "No frame refused", "ok"
    else:
        sentence, tone = "Every frame is checked before it is charged", ""
    return {
        "checked": counts.accepted + refused,
        "checked_words": "frame" if counts.accepted + refused == 1 else "frames, each one",
        "checked_sentence": sentence,
        "checked_tone": tone,
    }
