"""What a creator does with a submitted job: pause, resume, cancel, requeue frames, raise the cap."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from common import clock
from common.transitions import StaleMove, move, move_all
from rendering import events, quotas, reasons
from rendering.errors import BadSettings, NotCovered, NothingToDo
from rendering.estimates import reserve_micros
from rendering.models import Attempt, Job, JobEvent, Task
from rendering.reasons import Reason
from rendering.services import holds
from rendering.services.enqueueing import enqueue_tasks
from rendering.services.journal import note_job, task_line
from rendering.services.settlement import (
    KIND,
    align_on_commit,
    hold_work,
    lock_job,
    open_count,
    refresh_on_commit,
    settle,
    task_statuses,
)
from rendering.services.unfinished import pay_unfinished
from rendering.states import JOB_MOVES, TASK_MOVES, JobStatus, PauseReason, TaskStatus, job_status
from workers import services as queue

WAITS_FOR_MONEY = frozenset({PauseReason.CREDIT, PauseReason.CAP})
UNFINISHED = frozenset({TaskStatus.WAITING, TaskStatus.RENDERING})
CANCEL_TRIES = 5


class _TasksCameBack(Exception):
    """The transaction saw tasks whose work it had not locked; it is rolled back and tried again."""


@transaction.atomic
def pause_job(job: Job, actor=None, now: datetime | None = None) -> None:
    """Hold the waiting frames back, also those that nodes have next; what runs goes on and is charged.

    Raises:
        StaleMove: the job does not run (any more).
    """
    now = now or clock.now()
    hold_work(job.pk, held=True)
    queue.take_back(KIND, job.pk, now=now)
    job = lock_job(job.pk)
    if JobStatus.PAUSED not in JOB_MOVES[job.status]:
        raise StaleMove(f"{job!r} is {job.status}")
    was = job.status
    move(job, JobStatus.PAUSED, moves=JOB_MOVES, pause_reason=PauseReason.USER)
    note_job(job, was=was, at=now, actor=actor)
    events.job_status_changed(job)


@transaction.atomic
def resume_job(job: Job, actor=None, now: datetime | None = None) -> None:
    """Let a paused job go on: past the share of its cap at which it was to pause, past its preview.

    Raises:
        StaleMove: it is not paused (any more).
        NotCovered: credit or cap do not cover the next frame.
    """
    now = now or clock.now()
    hold_work(job.pk, held=False)
    job = lock_job(job.pk)
    if job.status != JobStatus.PAUSED:
        raise StaleMove(f"{job!r} is {job.status}")
    if job.pause_reason == PauseReason.CAP:
        _change(job, pause_percent=100)
    short = _what_is_short(job, now)
    if short:
        raise NotCovered(reasons.words(short.value))
    if job.pause_reason == PauseReason.GATE:
        _open_gate(job, now)
    _go_on(job, actor, now)


def approve_preview(job: Job, actor=None, now: datetime | None = None) -> None:
    """The preview is good: the rest of the frames is rendered.

    Raises:
        StaleMove: the job does not wait for approval (any more).
        NotCovered: credit or cap do not cover the next frame.
    """
    job.refresh_from_db(fields=["status", "pause_reason"])
    if job.pause_reason != PauseReason.GATE:
        raise StaleMove(f"{job!r} waits for no approval")
    resume_job(job, actor, now)


def _open_gate(job: Job, now: datetime) -> None:
    """The frames behind the preview enter the queue; those of it that were requeued meanwhile are there already."""
    _change(job, gate_approved_at=now)
    enqueue_tasks(job, job.tasks.filter(status=TaskStatus.WAITING))


def _change(job: Job, **values) -> None:
    Job.objects.filter(pk=job.pk).update(**values)
    for name, value in values.items():
        setattr(job, name, value)


@transaction.atomic
def resume_if_covered(job_id: int, now: datetime) -> bool:
    """Resume a job that waits for credit or cap, if both cover its next frame by now."""
    hold_work(job_id, held=False)
    job = lock_job(job_id)
    paused = job.status == JobStatus.PAUSED
    if paused and (job.pause_reason not in WAITS_FOR_MONEY or _what_is_short(job, now)):
        hold_work(job_id, held=True)
        return False
    if paused:
        _go_on(job, None, now)
    return paused


def _what_is_short(job: Job, now: datetime) -> PauseReason | None:
    _, short = holds.covered_tasks(job, open_tasks=open_count(job), wanted=1, now=now)
    return short


def _go_on(job: Job, actor, now: datetime) -> None:
    status = job_status(task_statuses(job))
    if status not in {JobStatus.QUEUED, JobStatus.RENDERING}:
        settle(job, now)
        return
    move(job, status, moves=JOB_MOVES, pause_reason="")
    note_job(job, was=JobStatus.PAUSED, at=now, actor=actor)
    settle(job, now)  # the preview may have been finished meanwhile
    events.job_status_changed(job)


def cancel_job(job: Job, actor=None, now: datetime | None = None) -> None:
    """Stop the job for good. Frames that lie on the server are still checked, charged and kept; those under way are
    paid for the seconds rendered so far (rendering.services.unfinished).

    Raises:
        StaleMove: it has ended already.
    """
    for _ in range(CANCEL_TRIES):
        try:
            return _cancel_once(job.pk, actor, now or clock.now())
        except _TasksCameBack:  # a frame was requeued or refused between the two locks: take its work as well
            continue
    raise StaleMove(f"{job!r} changes too fast to be cancelled")


@transaction.atomic
def _cancel_once(job_id: int, actor, now: datetime) -> None:
    under_way = _end_unfinished_tasks(job_id, TaskStatus.CANCELLED, Reason.BY_CREATOR, now, actor=actor)
    job = lock_job(job_id)
    if JobStatus.CANCELLED not in JOB_MOVES[job.status]:
        raise StaleMove(f"{job!r} is {job.status}")
    if job.tasks.filter(status__in=UNFINISHED).exists():
        raise _TasksCameBack
    pay_unfinished(job, under_way, now)
    was = job.status
    move(job, JobStatus.CANCELLED, moves=JOB_MOVES, pause_reason="", finished_at=now)
    note_job(job, was=was, at=now, reason=Reason.BY_CREATOR, actor=actor)
    settle(job, now)
    events.job_status_changed(job)
    events.job_changed(job.pk, events.FRAMES, events.NODES, events.COST)


@transaction.atomic
def stop_job(job_id: int, reason: str, detail: str, now: datetime) -> None:
    """Every other frame would fail alike (the file cannot be rendered): fail what is unfinished. Safe to repeat.

    Where that is the creator's fault, nodes are paid for the frames that they had under way.
    """
    under_way = _end_unfinished_tasks(job_id, TaskStatus.FAILED, reason, now)
    Job.objects.filter(pk=job_id, failure="").update(failure=reason[:40], failure_detail=detail[:500])
    job = lock_job(job_id)
    if reasons.outcome(reason).fault == reasons.Fault.USER:
        pay_unfinished(job, under_way, now)
    settle(job, now)
    events.job_changed(job_id, events.STATUS, events.FRAMES, events.PROGRESS, events.EVENTS)


def _end_unfinished_tasks(job_id: int, status: TaskStatus, reason: str, now: datetime, *, actor=None) -> list[Attempt]:
    """Withdraw the work of waiting and rendering tasks, then end these tasks; work rows first, see the lock order.

    A task that came back to waiting after the first look is left alone: its work was not withdrawn. Returns the
    attempts that had begun to render.
    """
    unfinished = Task.objects.filter(job=job_id, status__in=UNFINISHED)
    withdrawn = list(unfinished.values_list("pk", flat=True))
    queue.withdraw(KIND, withdrawn)
    tasks = list(unfinished.select_for_update().filter(pk__in=withdrawn).order_by("pk"))
    ids = [task.pk for task in tasks]
    moved = move_all(Task.objects.filter(pk__in=ids), status, moves=TASK_MOVES, reason=reason[:40])
    assert moved == len(ids), "a task moved without its lock"
    live = Attempt.objects.filter(task__in=ids, outcome="")
    under_way = list(live.filter(started_at__isnull=False).select_related("task", "worker").order_by("pk"))
    live.update(outcome=reason[:40], finished_at=now)
    JobEvent.objects.bulk_create(
        task_line(task, was=task.status, became=status, at=now, reason=reason[:40], actor=actor) for task in tasks
    )
    return under_way


@transaction.atomic
def requeue_tasks(
    job: Job, task_ids: Iterable[int], actor=None, now: datetime | None = None, *, reason: str = "", detail: str = ""
) -> int:
    """Render accepted or failed frames once more; returns how many. An accepted frame is paid again: its creator asked.

    Args:
        reason: why, an entry of rendering.choices.Again, and in its creator's words: `detail`.

    Raises:
        NothingToDo: none of the tasks can be rendered again.
        InsufficientCredit: the job had ended, and credit does not cover a new hold.
        QuotaExceeded: the job had ended, and its owner has too many at work.
    """
    now = now or clock.now()
    again = job.tasks.select_for_update().filter(pk__in=list(task_ids), status__in=[TaskStatus.ACCEPTED, TaskStatus.FAILED])
    tasks = list(again.order_by("pk"))
    job = lock_job(job.pk)
    if not tasks or job.status == JobStatus.CANCELLED:
        raise NothingToDo("None of these frames can be rendered again.")
    if job.scene.deleted_at:
        raise NothingToDo("The scene of this job is deleted. Upload it again for a new job.")
    _reopen(job, len(tasks), actor, now)
    ids = [task.pk for task in tasks]
    anew = {"attempts_used": 0, "reason": "", "accepted_at": None}
    move_all(Task.objects.filter(pk__in=ids), TaskStatus.WAITING, moves=TASK_MOVES, **anew)
    JobEvent.objects.bulk_create(
        task_line(task, was=task.status, became=TaskStatus.WAITING, at=now, actor=actor, reason=reason, detail=detail)
        for task in tasks
    )
    enqueue_tasks(job, tasks, avoided=_rendered_by(tasks), now=now)
    align_on_commit(job.pk)
    refresh_on_commit([job.pk])
    events.job_changed(job.pk, events.FRAMES, events.PROGRESS, events.EVENTS)
    return len(tasks)


def _rendered_by(tasks: Iterable[Task]) -> dict[int, int]:
    """The nodes whose frames were accepted and are asked for again: others show whether they were right."""
    paid = Attempt.objects.accepted().filter(task__in=[task.pk for task in tasks if task.status == TaskStatus.ACCEPTED])
    return dict(paid.order_by("number").values_list("task", "worker"))


def _reopen(job: Job, tasks: int, actor, now: datetime) -> None:
    """A job that has ended runs again, with a hold of its own."""
    ended = job.status in {JobStatus.COMPLETED, JobStatus.FAILED}
    if ended:
        quotas.one_at_a_time(job.owner)
        quotas.check_jobs(job.owner)
    if not job.hold_id:
        holds.open_hold(job, tasks=tasks, now=now)
    if ended:
        was = job.status
        move(job, JobStatus.QUEUED, moves=JOB_MOVES, finished_at=None, failure="", failure_detail="")
        note_job(job, was=was, at=now, actor=actor)
        events.job_status_changed(job)


@transaction.atomic
def raise_cap(job: Job, cap_micros: int | None, actor=None, now: datetime | None = None) -> None:
    """Set the spend cap (None: no cap); a job that waited for it goes on.

    Raises:
        BadSettings: less than what is charged already, or lowered below what frames in work may cost: their nodes
            work for it.
    """
    now = now or clock.now()
    job = lock_job(job.pk)
    if cap_micros is not None and cap_micros < max(1, job.charged_micros):
        raise BadSettings({"cap_micros": "A cap cannot be less than what is charged already."})
    if _takes_back(job, cap_micros, now):
        raise BadSettings(
            {"cap_micros": "Frames in work are paid under the present cap. Pause, and lower it when they are done."}
        )
    Job.objects.filter(pk=job.pk).update(cap_micros=cap_micros)
    transaction.on_commit(lambda: resume_if_covered(job.pk, now), robust=True)
    events.job_changed(job.pk, events.COST, events.STATUS)


def _takes_back(job: Job, cap_micros: int | None, now: datetime) -> bool:
    """Would the cap be lowered below what is charged and set aside for frames in work?"""
    if cap_micros is None or (job.cap_micros is not None and cap_micros >= job.cap_micros):
        return False
    return cap_micros < job.charged_micros + open_count(job) * reserve_micros(job, now)
