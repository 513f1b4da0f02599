"""The verdict on a frame that lies on the server: charge it once and accept it, or give the task to another attempt."""

from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import F

from common.transitions import move
from credit import services as credit
from rendering import events, pricing
from rendering.models import Attempt, Job, Output, Task
from rendering.services import holds
from rendering.services.enqueueing import enqueue_tasks
from rendering.services.journal import task_line
from rendering.services.progress import close_attempt, end_attempt
from rendering.services.settlement import align_on_commit, lock_job, refresh_on_commit, settle
from rendering.states import TASK_MOVES, JobStatus, TaskStatus
from workers import services as queue
from workers.kinds import AVOIDED_FOR

NEARBY_ATTEMPTS = 8  # a node holds two leases; of the last leases before a commitment no others overlap it


class Previews(NamedTuple):
    """Where the small pictures of a frame lie, and its true size in pixels."""

    preview_key: str
    thumbnail_key: str
    width: int
    height: int


@transaction.atomic
def accept_task(task_id: int, attempt_number: int, now: datetime, previews: Previews | None = None) -> bool:
    """Charge the checked frame, split the charge, accept the task. False when somebody else had decided before.

    Locks: the task, the job, then those of the ledger.
    """
    attempt = _attempt_in_check(task_id, attempt_number)
    if not attempt:
        return False
    job = lock_job(attempt.task.job_id)
    earned_micros = _charge(attempt, job, now)
    if previews:
        Output.objects.filter(attempt=attempt).update(**previews._asdict())
    _accept(attempt, now)
    _tally(attempt, earned_micros, now)
    settle(job, now)
    events.job_changed(job.pk, events.FRAMES, events.PROGRESS, events.NEWEST, events.COST, events.EVENTS)
    return True


@transaction.atomic
def refuse_task(task_id: int, attempt_number: int, reason: str, now: datetime, *, detail: str = "") -> bool:
    """The frame did not pass: another attempt at no cost to the creator, or the task has failed.

    In a job that was cancelled meanwhile the task is cancelled. False when somebody else had decided before.
    """
    attempt = _attempt_in_check(task_id, attempt_number)
    if not attempt:
        return False
    job = lock_job(attempt.task.job_id)
    if job.status == JobStatus.CANCELLED:
        _cancel(attempt, reason, now)
    elif end_attempt(attempt, reason, now, detail=detail):
        enqueue_tasks(job, [attempt.task], avoided_id=attempt.worker_id, avoided_until=now + AVOIDED_FOR)
        align_on_commit(job.pk)
    return True


def _attempt_in_check(task_id: int, attempt_number: int) -> Attempt | None:
    """The attempt whose frame is being checked, its task locked; None when the task has moved on."""
    task = Task.objects.select_for_update(of=("self",)).select_related("job__scene").filter(pk=task_id).first()
    if not task or task.status != TaskStatus.CHECKING or task.attempt != attempt_number:
        return None
    attempt = task.attempts.select_related("worker").get(number=attempt_number)
    attempt.task = task
    return attempt


# Money ----------------------------------------------------------------------------------------------------------------


def _charge(attempt: Attempt, job: Job, now: datetime) -> int:
    """Charge the attempt once, within hold and cap; returns the micros its node's owner earned."""
    attempt.billable_ms = pricing.billable_ms(
        node_seconds=attempt.render_seconds or 0.0,
        wall_seconds=wall_seconds(attempt),
        score_milli=attempt.score_milli,
        peers_reference_ms=_peers_reference_ms(attempt, job),
    )
    price = pricing.charge_micros(attempt.billable_ms, score_milli=attempt.score_milli, rate_micros=attempt.rate_micros)
    attempt.charged_micros = holds.chargeable_micros(job, price)
    if not attempt.charged_micros:
        return 0
    Job.objects.filter(pk=job.pk).update(charged_micros=F("charged_micros") + attempt.charged_micros)
    job.charged_micros += attempt.charged_micros
    return credit.charge_hold(
        hold_id=job.hold_id,
        key=charge_key(attempt),
        charge_micros=attempt.charged_micros,
        worker_owner=attempt.worker.owner_id,
        shares_bp=shares_bp(attempt),
        reference=f"{job.name}, frame {attempt.task.frame}",
        now=now,
    ).worker_micros


def charge_key(attempt: Attempt) -> str:
    return f"task:{attempt.task_id}:attempt:{attempt.number}:charge"


def shares_bp(attempt: Attempt) -> dict[str, int]:
    """The split frozen when the attempt was leased."""
    return {"worker": attempt.worker_bp, "checkers": attempt.checkers_bp, "network": attempt.network_bp}


def wall_seconds(attempt: Attempt) -> float:
    """Seconds the node can have spent on the frame, by the server's clock.

    From its start to its commitment. A start that was reported late, because the socket was away while the frame was
    rendered, says too little: then what the node can have had left beside its other frames since the lease.
    """
    end = attempt.rendered_at or attempt.finished_at
    if not end:
        return 0.0
    since_start = (end - (attempt.started_at or end)).total_seconds()
    if since_start >= (attempt.render_seconds or 0.0):
        return since_start
    return max(since_start, pricing.own_seconds(attempt.leased_at, end, _frames_meanwhile(attempt, end)))


def _frames_meanwhile(attempt: Attempt, end: datetime) -> list[tuple[datetime, float]]:
    """(commitment, seconds rendered) of the node's other frames that may overlap this one."""
    nearby = Attempt.objects.filter(worker=attempt.worker_id, leased_at__lte=end).order_by("-leased_at")[:NEARBY_ATTEMPTS]
    return [
        (other.rendered_at, other.render_seconds or 0.0)
        for other in nearby
        if other.pk != attempt.pk and other.rendered_at and other.rendered_at <= end
    ]


def _peers_reference_ms(attempt: Attempt, job: Job) -> list[int]:
    """Reference milliseconds of frames of the job that other nodes rendered."""
    peers = Attempt.objects.accepted().filter(task__job=job, billable_ms__gt=0).exclude(worker=attempt.worker_id)
    rows = peers.order_by("-id").values_list("billable_ms", "score_milli")[:200]
    return [pricing.reference_ms(ms, score_milli) for ms, score_milli in rows]


# The task -------------------------------------------------------------------------------------------------------------


def _accept(attempt: Attempt, now: datetime) -> None:
    attempt.outcome = "accepted"
    attempt.save(update_fields=["outcome", "billable_ms", "charged_micros"])
    task = attempt.task
    move(
        task,
        TaskStatus.ACCEPTED,
        moves=TASK_MOVES,
        reason="",
        accepted_at=now,
        charged_micros=task.charged_micros + attempt.charged_micros,
    )
    task_line(task, was=TaskStatus.CHECKING, became=TaskStatus.ACCEPTED, at=now).save()


def _cancel(attempt: Attempt, reason: str, now: datetime) -> None:
    close_attempt(attempt, reason, now)
    move(attempt.task, TaskStatus.CANCELLED, moves=TASK_MOVES, reason=reason[:40])
    task_line(attempt.task, was=TaskStatus.CHECKING, became=TaskStatus.CANCELLED, at=now, reason=reason[:40]).save()
    refresh_on_commit([attempt.task.job_id])


def _tally(attempt: Attempt, earned_micros: int, now: datetime) -> None:
    queue.tally(
        attempt.worker_id, now.date(), tasks_accepted=1, busy_seconds=wall_seconds(attempt), earned_micros=earned_micros
    )
