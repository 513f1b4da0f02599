"""The feeder gives tasks to nodes: an attempt begins for each lease that hold, credit and cap cover."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from common.transitions import move
from rendering import events, notices, reasons
from rendering.models import Attempt, Job, JobEvent, Task
from rendering.rates import Rate, rate_at
from rendering.reasons import Reason
from rendering.seeds import frame_seed
from rendering.services import holds
from rendering.services.endings import give_up
from rendering.services.journal import note_job, task_line
from rendering.services.settlement import align_on_commit, lock_job, open_count, refresh_on_commit
from rendering.states import JOB_MOVES, JobStatus, PauseReason, TaskStatus
from workers.kinds import NewLease


@transaction.atomic(savepoint=False)  # the feeder's own, which has a savepoint for this call
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
    notices.job_waits(job, now)


BEGIN = f"""
    UPDATE rendering_task AS task SET status = '{TaskStatus.RENDERING}', attempt = given.attempt
    FROM unnest(%s::bigint[], %s::int[]) AS given(id, attempt)
    WHERE task.id = given.id AND task.status = '{TaskStatus.WAITING}' RETURNING task.id, task.frame, task.tile
"""


def _begin_attempts(job: Job, leases: list[NewLease], now: datetime) -> dict[int, Attempt]:
    """Move the tasks that still wait in one guarded statement and write their attempts."""
    lease_of = {lease.reference: lease for lease in leases}
    with connection.cursor() as cursor:
        cursor.execute(BEGIN, [list(lease_of), [lease.attempt for lease in leases]])
        tasks = [Task(pk=pk, job=job, frame=frame, tile=tile) for pk, frame, tile in cursor.fetchall()]
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
