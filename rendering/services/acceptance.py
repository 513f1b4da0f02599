"""The verdict on frames that lie on the server: charge each once and accept it, or give the task to another attempt."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction

from rendering import events
from rendering.hints import hint_on_commit
from rendering.models import Attempt, JobEvent, Task
from rendering.services.attempts import lock_attempts
from rendering.services.billing import charge_attempts, wall_seconds
from rendering.services.endings import Ending, TaskMove, close_attempts, end_attempts, move_tasks
from rendering.services.enqueueing import enqueue_tasks
from rendering.services.journal import task_line
from rendering.services.refutations import mark_refuted
from rendering.services.settlement import align_on_commit, lock_job, settle
from rendering.services.strikes import learn_from_successes
from rendering.states import TASK_MOVES, JobStatus, TaskStatus
from workers import services as queue


class Previews(NamedTuple):
    """Where the small pictures of a frame lie, its true size in pixels, and the CRC-32 of its file."""

    preview_key: str
    thumbnail_key: str
    width: int
    height: int
    crc32: int


class Passed(NamedTuple):
    """A frame that has passed the checks."""

    task_id: int
    attempt: int  # its number
    previews: Previews | None = None
    refuted: tuple[int, ...] = ()  # earlier attempts at it whose pictures it helps to prove wrong
    is_free: bool = False  # nobody else confirmed it: kept, and not charged


# Accept ---------------------------------------------------------------------------------------------------------------


def accept_task(task_id: int, attempt_number: int, now: datetime, previews: Previews | None = None) -> bool:
    """Accept one frame; False when somebody else had decided before."""
    return bool(accept_tasks([Passed(task_id, attempt_number, previews)], now))


def accept_tasks(passed: Sequence[Passed], now: datetime) -> set[int]:
    """Charge checked frames, split the charges, accept the tasks: one transaction for each job, in the same few statements
    however many frames it has. Returns the tasks that were accepted; about the others somebody else had decided before.
    """
    job_of = dict(Task.objects.filter(pk__in=[each.task_id for each in passed]).values_list("pk", "job_id"))
    by_job: dict[int, list[Passed]] = defaultdict(list)
    for each in passed:
        if each.task_id in job_of:
            by_job[job_of[each.task_id]].append(each)
    return {task_id for job_id in sorted(by_job) for task_id in _accept_of_job(job_id, by_job[job_id], now)}


@transaction.atomic
def _accept_of_job(job_id: int, passed: Sequence[Passed], now: datetime) -> list[int]:
    """Locks: the tasks, the job, then those of the ledger, then the nodes' sums."""
    verdicts = {(each.task_id, each.attempt): each for each in passed}
    attempts = list(lock_attempts(verdicts.keys(), TaskStatus.CHECKING).values())
    if not attempts:
        return []
    job = lock_job(job_id)
    walls = wall_seconds(attempts)
    free = {attempt.pk for attempt in attempts if verdicts[attempt.task_id, attempt.number].is_free}
    earned = charge_attempts(job, attempts, walls, now, free=free)
    _write_previews([(attempt, verdicts[attempt.task_id, attempt.number].previews) for attempt in attempts])
    _accept(attempts, now)
    mark_refuted(pk for attempt in attempts for pk in verdicts[attempt.task_id, attempt.number].refuted)
    _tally(attempts, walls, earned, now)
    learn_from_successes(attempts, job.scene.scene_key)
    settle(job, now)
    if job.tiles and job.status == JobStatus.COMPLETED:
        hint_on_commit("merge_tiles", job.pk)
    events.job_changed(job.pk, events.FRAMES, events.PROGRESS, events.NEWEST, events.COST, events.EVENTS)
    return [attempt.task_id for attempt in attempts]


PREVIEWS = """
    UPDATE rendering_output AS output
    SET preview_key = given.preview, thumbnail_key = given.thumbnail,
        width = given.width, height = given.height, crc32 = given.crc32
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::int[], %s::int[], %s::bigint[])
        AS given(id, preview, thumbnail, width, height, crc32)
    WHERE output.attempt_id = given.id
"""


def _write_previews(made: Sequence[tuple[Attempt, Previews | None]]) -> None:
    rows = [(attempt.pk, *previews) for attempt, previews in made if previews]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(PREVIEWS, [list(column) for column in zip(*rows, strict=True)])


ACCEPT_ATTEMPTS = """
    UPDATE rendering_attempt AS attempt
    SET outcome = 'accepted', billable_ms = given.billable, charged_micros = given.charged
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS given(id, billable, charged) WHERE attempt.id = given.id
"""
ACCEPT_TASKS = f"""
    UPDATE rendering_task AS task
    SET status = '{TaskStatus.ACCEPTED}', reason = '', accepted_at = %s, charged_micros = task.charged_micros + given.charged
    FROM unnest(%s::bigint[], %s::bigint[]) AS given(id, charged)
    WHERE task.id = given.id AND task.status = '{TaskStatus.CHECKING}'
"""


def _accept(attempts: Sequence[Attempt], now: datetime) -> None:
    """Mark locked tasks and their attempts, and write a line about each."""
    assert TaskStatus.ACCEPTED in TASK_MOVES[TaskStatus.CHECKING]
    charged = [attempt.charged_micros for attempt in attempts]
    billable = [attempt.billable_ms for attempt in attempts]
    with connection.cursor() as cursor:
        cursor.execute(ACCEPT_ATTEMPTS, [[attempt.pk for attempt in attempts], billable, charged])
        cursor.execute(ACCEPT_TASKS, [now, [attempt.task_id for attempt in attempts], charged])
        assert cursor.rowcount == len(attempts), "a task moved without its lock"
    JobEvent.objects.bulk_create(
        task_line(attempt.task, was=TaskStatus.CHECKING, became=TaskStatus.ACCEPTED, at=now) for attempt in attempts
    )


def _tally(attempts: Sequence[Attempt], walls: dict[int, float], earned: dict[int, int], now: datetime) -> None:
    by_node: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        by_node[attempt.worker_id].append(attempt)
    queue.tally_all(
        now.date(),
        [
            queue.Sums(
                worker_id,
                tasks_accepted=len(frames),
                busy_seconds=sum(walls[frame.pk] for frame in frames),
                earned_micros=sum(earned.get(frame.pk, 0) for frame in frames),
            )
            for worker_id, frames in by_node.items()
        ],
    )


# Refuse ---------------------------------------------------------------------------------------------------------------


@transaction.atomic
def refuse_task(task_id: int, attempt_number: int, reason: str, now: datetime, *, detail: str = "") -> bool:
    """The frame did not pass: another attempt at no cost to the creator, or the task has failed.

    In a job that was cancelled meanwhile the task is cancelled. False when somebody else had decided before.
    """
    key = (task_id, attempt_number)
    attempt = lock_attempts([key], TaskStatus.CHECKING).get(key)
    if not attempt:
        return False
    job = lock_job(attempt.task.job_id)
    if job.status == JobStatus.CANCELLED:
        _cancel(attempt, reason, now)
    elif end_attempts([Ending(attempt, reason, detail)], now):
        enqueue_tasks(job, [attempt.task], avoided={attempt.task_id: attempt.worker_id}, now=now)
        align_on_commit(job.pk)
    return True


def _cancel(attempt: Attempt, reason: str, now: datetime) -> None:
    close_attempts([Ending(attempt, reason)], now)
    move_tasks([TaskMove(attempt.task, TaskStatus.CANCELLED, reason, attempt.task.attempts_used)], now)
