"""What a node did for jobs and probes, as its owner reads it (workers.kinds.Made): verdict, fault, pay, the frame's page."""

from django.urls import reverse

from common.money import split_by_shares
from common.paging import Place
from rendering import reasons
from rendering.models import Attempt, Job, ProbeFrame
from rendering.reasons import Fault, Reason
from rendering.services.billing import shares_bp
from rendering.states import ProbeStatus
from workers.kinds import Made

ACCEPTED = "accepted"
FAULTS = {Fault.USER: "the scene's", Fault.WORKER: "this node's", Fault.PLATFORM: "the network's"}


def frames_of(worker_id: int, older: Place | None, limit: int, viewer) -> list[Made]:
    """Attempts at frames, the newest lease first; the proof page is linked where the viewer may see the job."""
    rows = Attempt.objects.filter(worker=worker_id).select_related("task__job").defer("log_tail")
    rows = older.older(rows, by="leased_at") if older else rows
    attempts = list(rows.order_by("-leased_at", "-id")[:limit])
    jobs = {attempt.task.job_id for attempt in attempts}
    seen = set(Job.objects.visible_to(viewer).filter(pk__in=jobs).values_list("pk", flat=True))
    return [_of_attempt(attempt, attempt.task.job_id in seen) for attempt in attempts]


def _of_attempt(attempt: Attempt, is_visible: bool) -> Made:
    task = attempt.task
    verdict, tone = _verdict_of_attempt(attempt)
    ended_badly = attempt.outcome not in {"", ACCEPTED}
    return Made(
        at=attempt.leased_at,
        number=attempt.pk,
        title=f"{task.job.name}, {task.words}",
        verdict=verdict,
        tone=tone,
        words=reasons.words(attempt.outcome) if ended_badly else "",
        fault=FAULTS[reasons.outcome(attempt.outcome).fault] if ended_badly else "",
        seconds=attempt.render_seconds,
        earned_micros=_earned_micros(attempt),
        url=reverse("rendering:frame-detail", args=[task.job_id, task.frame]) if is_visible else "",
    )


def _verdict_of_attempt(attempt: Attempt) -> tuple[str, str]:
    """Words and tone. What ends through nobody's fault here, or does not count, is no failure."""
    if attempt.outcome == ACCEPTED:
        return "Accepted", "ok"
    if attempt.outcome == Reason.REFUTED:
        return "Refuted", "bad"
    if attempt.outcome:
        ended = reasons.outcome(attempt.outcome)
        return ("Failed", "bad") if ended.fault == Fault.WORKER and ended.counts else ("Not finished", "quiet")
    if attempt.finished_at or attempt.rendered_at:
        return "Being checked", "info"
    return ("Rendering", "accent") if attempt.started_at else ("Next", "quiet")


def _earned_micros(attempt: Attempt) -> int:
    """The owner's share of what was charged; nothing of a picture whose charge was given back."""
    if not attempt.charged_micros or attempt.refunded_micros:
        return 0
    return split_by_shares(attempt.charged_micros, shares_bp(attempt))["worker"]


PROBE_VERDICTS = {
    ProbeStatus.WAITING: ("Not finished", "quiet"),
    ProbeStatus.RENDERING: ("Rendering", "accent"),
    ProbeStatus.DONE: ("Accepted", "ok"),
    ProbeStatus.FAILED: ("Failed", "bad"),
    ProbeStatus.CANCELLED: ("Not finished", "quiet"),
}


def probes_of(worker_id: int, older: Place | None, limit: int) -> list[Made]:
    """Probe frames whose newest attempt was this node's; the network pays for them."""
    rows = ProbeFrame.objects.filter(worker=worker_id).exclude(leased_at=None).select_related("job")
    rows = older.older(rows, by="leased_at") if older else rows
    return [_of_probe(probe) for probe in rows.order_by("-leased_at", "-id")[:limit]]


def _of_probe(probe: ProbeFrame) -> Made:
    verdict, tone = PROBE_VERDICTS[ProbeStatus(probe.status)]
    ended_badly = probe.reason and tone in {"bad", "quiet"}  # a reason stays when another attempt begins
    return Made(
        at=probe.leased_at,
        number=probe.pk,
        title=f"{probe.job.name}, probe of frame {probe.frame}",
        verdict=verdict,
        tone=tone,
        words=reasons.words(probe.reason) if ended_badly else "",
        fault=FAULTS[reasons.outcome(probe.reason).fault] if ended_badly else "",
        seconds=(probe.rendered_at - probe.started_at).total_seconds() if probe.rendered_at and probe.started_at else None,
        earned_micros=probe.paid_micros,
    )
