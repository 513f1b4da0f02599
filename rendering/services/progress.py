"""What nodes report about tasks, in batches, inside the transaction that changes the queue.

Every effect carries its attempt: a report counts only while the task is rendering under that very attempt.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection, transaction

from common.transitions import move
from rendering import events, reasons
from rendering.choices import FILE_SUFFIX
from rendering.hints import hint_on_commit
from rendering.models import Attempt, Job, JobEvent, Output, Task
from rendering.rates import Rate, rate_at
from rendering.reasons import Reason
from rendering.seeds import frame_seed
from rendering.services import holds
from rendering.services.journal import note_job, task_line
from rendering.services.settlement import KIND, align_on_commit, lock_job, open_count, refresh_on_commit
from rendering.states import JOB_MOVES, TASK_MOVES, JobStatus, PauseReason, TaskStatus
from workers import services as queue
from workers.kinds import FailedReport, FinishedReport, NewLease, RenderedReport, ReturnedReport, StartedReport

PIXEL_BYTES_MAX = 32  # of a frame's file
FILE_HEAD_BYTES_MAX = 1024**2

# Leasing --------------------------------------------------------------------------------------------------------------


@transaction.atomic
def lease_tasks(leases: Sequence[NewLease], now: datetime) -> dict[int, Attempt]:
    """Begin an attempt for each lease that is covered; returns the attempts by work id, with task, job and scene.

    A job that does not cover its next task pauses, and its waiting work is held back once this has committed (here it
    would wait for work rows against their order).
    """
    job_of = dict(Task.objects.filter(pk__in=[lease.reference for lease in leases]).values_list("pk", "job_id"))
    by_job: dict[int, list[NewLease]] = defaultdict(list)
    for lease in leases:
        if lease.reference in job_of:
            by_job[job_of[lease.reference]].append(lease)
    begun: dict[int, Attempt] = {}
    for job_id in sorted(by_job):
        begun |= _lease_of_job(lock_job(job_id), by_job[job_id], now)
    return begun


def _lease_of_job(job: Job, leases: list[NewLease], now: datetime) -> dict[int, Attempt]:
    if job.status not in {JobStatus.QUEUED, JobStatus.RENDERING}:
        align_on_commit(job.pk)
        return {}
    worn_out = [lease for lease in leases if lease.attempt > reasons.LEASES_MAX]
    give_up([lease.reference for lease in worn_out], now)
    leases = [lease for lease in leases if lease.attempt <= reasons.LEASES_MAX]
    covered, short = holds.covered_tasks(job, open_tasks=open_count(job), wanted=len(leases), now=now)
    if covered < len(leases):
        pause_uncovered(job, short, now)
    return _begin_attempts(job, leases[:covered], now)


def pause_uncovered(job: Job, reason: PauseReason, now: datetime) -> None:
    """The locked job cannot pay its next task: what runs goes on, what waits is held back."""
    was = job.status
    move(job, JobStatus.PAUSED, moves=JOB_MOVES, pause_reason=reason)
    note_job(job, was=was, at=now, reason=Reason(reason.value))
    align_on_commit(job.pk)
    events.job_status_changed(job)


BEGIN = f"""
    UPDATE rendering_task AS task SET status = '{TaskStatus.RENDERING}', attempt = given.attempt
    FROM unnest(%s::bigint[], %s::int[]) AS given(id, attempt)
    WHERE task.id = given.id AND task.status = '{TaskStatus.WAITING}' RETURNING task.id, task.frame
"""


def _begin_attempts(job: Job, leases: list[NewLease], now: datetime) -> dict[int, Attempt]:
    """Move the tasks that still wait in one guarded statement and write their attempts."""
    lease_of = {lease.reference: lease for lease in leases}
    with connection.cursor() as cursor:
        cursor.execute(BEGIN, [list(lease_of), [lease.attempt for lease in leases]])
        tasks = [Task(pk=pk, job=job, frame=frame) for pk, frame in cursor.fetchall()]
    rate = rate_at(job.tier, now)
    attempts = Attempt.objects.bulk_create(_new_attempt(task, lease_of[task.pk], rate, now) for task in tasks)
    JobEvent.objects.bulk_create(
        task_line(attempt.task, was=TaskStatus.WAITING, became=TaskStatus.RENDERING, at=now, detail=f"attempt {attempt.number}")
        for attempt in attempts
    )
    if tasks:
        refresh_on_commit([job.pk])
        events.job_changed(job.pk, events.FRAMES, events.NODES, events.PROGRESS)
    return {lease_of[attempt.task_id].work_id: attempt for attempt in attempts}


def _new_attempt(task: Task, lease: NewLease, rate: Rate, now: datetime) -> Attempt:
    return Attempt(
        task=task,
        number=lease.attempt,
        worker_id=lease.worker_id,
        seed=frame_seed(task.job.secret, task.frame),
        score_milli=lease.score_milli,
        leased_at=now,
        **rate._asdict(),
    )


# Reports of the node --------------------------------------------------------------------------------------------------


@transaction.atomic
def start_tasks(reports: Iterable[StartedReport], now: datetime) -> None:
    """The renderer has begun."""
    job_ids = set()
    for report in reports:
        attempt = live_attempt(report)
        if attempt and not attempt.started_at:
            Attempt.objects.filter(pk=attempt.pk).update(started_at=now)
            job_ids.add(attempt.task.job_id)
    for job_id in job_ids:
        events.job_changed(job_id, events.NODES, events.FRAMES)


@transaction.atomic
def render_tasks(reports: Iterable[RenderedReport], now: datetime) -> dict[int, str]:
    """The node commits to the pixels; returns where each file is to be stored, by work id.

    The first commitment of an attempt stands: another file, or one larger than any frame of this size, has no place.
    """
    keys = {}
    for report in reports:
        attempt = live_attempt(report)
        if attempt and report.result.size_bytes <= file_bytes_max(attempt.task.job):
            _commit(attempt, report.result, now)
            attempt.refresh_from_db(fields=["file_sha256"])
            if attempt.file_sha256 == report.result.file_sha256:
                keys[report.work_id] = storage_key(attempt)
    return keys


def file_bytes_max(job: Job) -> int:
    """No frame is larger: twice four channels of 32 bits without compression, and a header."""
    return FILE_HEAD_BYTES_MAX + job.width * job.height * PIXEL_BYTES_MAX


def _commit(attempt: Attempt, result, now: datetime) -> None:
    Attempt.objects.filter(pk=attempt.pk, rendered_at=None).update(
        rendered_at=now,
        render_seconds=result.render_seconds,
        pixels_sha256=result.pixels_sha256,
        file_sha256=result.file_sha256,
    )


def storage_key(attempt: Attempt) -> str:
    """Where the frame of an attempt lies in the store."""
    task = attempt.task
    return f"frames/{task.job_id}/{task.pk}-{attempt.number}.{FILE_SUFFIX[task.job.format]}"


@transaction.atomic
def finish_tasks(reports: Iterable[FinishedReport], now: datetime) -> None:
    """The files are on the server: the checks are due."""
    finished = []
    for report in reports:
        attempt = live_attempt(report)
        if attempt:
            _finish(attempt, report, now)
            finished.append(attempt)
    if finished:
        hint_on_commit("check_frames", [attempt.task_id for attempt in finished])
    for job_id in {attempt.task.job_id for attempt in finished}:
        events.job_changed(job_id, events.FRAMES, events.PROGRESS, events.NODES)


def _finish(attempt: Attempt, report: FinishedReport, now: datetime) -> None:
    result = report.result
    _commit(attempt, result, now)
    attempt.refresh_from_db(fields=["file_sha256"])
    Attempt.objects.filter(pk=attempt.pk).update(finished_at=now, log_tail=report.log_tail)
    Output.objects.create(
        attempt=attempt,
        storage_key=storage_key(attempt),
        sha256=attempt.file_sha256,
        size_bytes=result.size_bytes,
        width=max(0, result.width),
        height=max(0, result.height),
    )
    move(attempt.task, TaskStatus.CHECKING, moves=TASK_MOVES, reason="")
    task_line(attempt.task, was=TaskStatus.RENDERING, became=TaskStatus.CHECKING, at=now).save()


def live_attempt(report) -> Attempt | None:
    """The attempt that a report speaks of, its task locked, if it is the one that renders the task now."""
    task = Task.objects.select_for_update(of=("self",)).select_related("job").filter(pk=report.reference).first()
    if not task or task.status != TaskStatus.RENDERING or task.attempt != report.attempt:
        return None
    attempt = task.attempts.get(number=report.attempt)
    attempt.task = task
    return attempt


# Attempts that end without a frame ------------------------------------------------------------------------------------


@transaction.atomic
def fail_tasks(reports: Iterable[FailedReport], now: datetime) -> set[int]:
    """These attempts ended badly; returns the work ids that are to wait again."""
    again = set()
    for report in reports:
        attempt = live_attempt(report)
        if attempt and end_attempt(attempt, report.reason, now, detail=report.detail, log_tail=report.log_tail):
            again.add(report.work_id)
    return again


@transaction.atomic
def return_tasks(reports: Iterable[ReturnedReport], now: datetime) -> None:
    """These attempts ended through no fault of the work: the tasks wait again and nothing is counted."""
    for report in reports:
        attempt = live_attempt(report)
        if attempt:
            close_attempt(attempt, report.reason, now)
            _move_task(attempt.task, TaskStatus.WAITING, report.reason, now)


def end_attempt(attempt: Attempt, reason: str, now: datetime, *, detail: str = "", log_tail: str = "") -> bool:
    """End the live attempt of a locked task for a reason; True when the task waits for another attempt."""
    task, outcome = attempt.task, reasons.outcome(reason)
    close_attempt(attempt, reason, now, log_tail=log_tail)
    used = task.attempts_used + outcome.counts
    final = reasons.is_final(reason, attempts_used=used)
    _move_task(task, TaskStatus.FAILED if final else TaskStatus.WAITING, reason, now, detail=detail, attempts_used=used)
    if outcome.fault == reasons.Fault.WORKER:
        queue.tally(attempt.worker_id, now.date(), tasks_failed=1)
    if final and outcome.stops_job:
        hint_on_commit("stop_job", task.job_id, reason, detail)
    return not final


def close_attempt(attempt: Attempt, reason: str, now: datetime, *, log_tail: str = "") -> None:
    changes = {"outcome": reason[:40], "finished_at": attempt.finished_at or now}
    Attempt.objects.filter(pk=attempt.pk).update(**changes, **({"log_tail": log_tail} if log_tail else {}))


def _move_task(task: Task, status: TaskStatus, reason: str, now: datetime, *, detail: str = "", **changes) -> None:
    was = task.status
    move(task, status, moves=TASK_MOVES, reason=reason[:40], **changes)
    task_line(task, was=was, became=status, at=now, reason=reason[:40], detail=detail).save()
    refresh_on_commit([task.job_id])
    events.job_changed(task.job_id, events.FRAMES, events.PROGRESS, events.NODES, events.EVENTS)


def give_up(task_ids: Sequence[int], now: datetime) -> None:
    """Tasks that were leased again and again without an outcome have failed; their work is withdrawn."""
    if not task_ids:
        return
    queue.withdraw(KIND, list(task_ids))
    for task in Task.objects.select_for_update().filter(pk__in=task_ids, status=TaskStatus.WAITING).order_by("pk"):
        _move_task(task, TaskStatus.FAILED, Reason.TOO_MANY_LEASES, now)
