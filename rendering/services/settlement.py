"""A job's status follows its tasks; its hold ends with it."""

from datetime import datetime
from functools import partial

from django.db import connection, transaction
from django.db.models import Count

from common import clock
from common.transitions import move
from rendering import events, gate, notices
from rendering.models import Job
from rendering.reasons import Reason
from rendering.services import holds
from rendering.services.journal import note_job
from rendering.states import JOB_FINAL, JOB_MOVES, JobStatus, PauseReason, TaskStatus, job_status
from workers import services as queue

KIND = "render"  # in the queue of workers
OPEN = (TaskStatus.RENDERING, TaskStatus.CHECKING)


def lock_job(job_id: int) -> Job:
    """The job, locked against other changes but not against rows that point at it."""
    return Job.objects.select_for_update(no_key=True, of=("self",)).select_related("owner", "scene").get(pk=job_id)


def task_counts(job: Job) -> dict[str, int]:
    """How many tasks are in each status; reads every task of the job."""
    return dict(job.tasks.order_by().values_list("status").annotate(Count("id")))


STATUSES = """
    SELECT status FROM unnest(%s::text[]) AS known(status)
    WHERE EXISTS (SELECT 1 FROM rendering_task AS task WHERE task.job_id = %s AND task.status = known.status)
"""


def task_statuses(job: Job) -> dict[str, int]:
    """1 for each status that at least one task has: enough for `job_status`, and found without counting them."""
    with connection.cursor() as cursor:
        cursor.execute(STATUSES, [TaskStatus.values, job.pk])
        return {status: 1 for (status,) in cursor.fetchall()}


def open_count(job: Job) -> int:
    """Tasks in work or being checked: their charges are still to come."""
    return job.tasks.filter(status__in=OPEN).count()


@transaction.atomic
def refresh_job(job_id: int, now: datetime) -> JobStatus:
    """Bring the job's status and hold in line with its tasks. Safe at any time and any number of times."""
    job = lock_job(job_id)
    settle(job, now)
    return JobStatus(job.status)


def refresh_on_commit(job_ids) -> None:
    """Refresh these jobs in transactions of their own, once the one that changed their tasks has committed."""
    for job_id in sorted(set(job_ids)):
        transaction.on_commit(partial(_refresh_now, job_id), robust=True)


def _refresh_now(job_id: int) -> None:
    refresh_job(job_id, clock.now())


def settle(job: Job, now: datetime) -> None:
    """As refresh_job, for a job that the caller has locked."""
    statuses = task_statuses(job)
    derived = job_status(statuses)
    moves_on = job.status in {JobStatus.QUEUED, JobStatus.RENDERING}
    ends = job.status == JobStatus.PAUSED and derived in JOB_FINAL
    if (moves_on or ends) and derived != job.status:
        _move_to(job, derived, now)
    elif moves_on and gate_is_closed(job) and gate.is_reached(task_counts(job), step=job.gate_step, frames=job.frame_count):
        _pause_at_gate(job, now)
    if job.status in JOB_FINAL and not any(status in statuses for status in OPEN):
        holds.release_hold(job)


def _move_to(job: Job, status: JobStatus, now: datetime) -> None:
    was = job.status
    changes = {"finished_at": now if status in JOB_FINAL else None, "pause_reason": ""}
    if status == JobStatus.FAILED and not job.failure:
        changes["failure"] = job.tasks.filter(status=TaskStatus.FAILED).values_list("reason", flat=True).first() or ""
    move(job, status, moves=JOB_MOVES, **changes)
    note_job(job, was=was, at=now, reason=job.failure)
    events.job_status_changed(job)
    notices.job_ended(job, now)


def gate_is_closed(job: Job) -> bool:
    """Do frames of the job wait for the approval of its preview? They have no work in the queue then."""
    return gate.is_closed(step=job.gate_step, is_approved=job.gate_approved_at is not None, frames=job.frame_count)


def _pause_at_gate(job: Job, now: datetime) -> None:
    """Every frame of the preview is done: its creator has the word."""
    was = job.status
    move(job, JobStatus.PAUSED, moves=JOB_MOVES, pause_reason=PauseReason.GATE)
    note_job(job, was=was, at=now, reason=Reason.GATE)
    events.job_status_changed(job)
    notices.job_waits(job, now)


# The queue follows the job --------------------------------------------------------------------------------------------


QUEUE_TURN = 0x9_1C71  # first key of the advisory locks below; the second is the job


def hold_work(job_id: int, held: bool) -> None:
    """Hold the job's waiting work back, or let it go. Call it first in a transaction, before the job is locked.

    Locks: an advisory one per job, then the work rows. `hold_group` passes over rows that are as it wants them by its
    own snapshot, so without the first lock a resume would not wait for a pause that is about to commit.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [QUEUE_TURN, job_id % 2**31])
    queue.hold_group(KIND, job_id, held=held)


@transaction.atomic
def align_queue(job_id: int) -> None:
    """Hold the job's waiting work back exactly while the job is paused."""
    hold_work(job_id, held=True)
    if lock_job(job_id).status != JobStatus.PAUSED:
        hold_work(job_id, held=False)


def align_on_commit(job_id: int) -> None:
    transaction.on_commit(partial(align_queue, job_id), robust=True)
