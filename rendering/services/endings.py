"""Attempts that end without an accepted frame, and what becomes of their tasks; in batches.

The caller has locked the tasks.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from rendering import events, reasons
from rendering.hints import hint_on_commit
from rendering.models import Attempt, JobEvent, Task
from rendering.reasons import Reason
from rendering.services import strikes
from rendering.services.journal import task_line
from rendering.services.settlement import KIND, refresh_on_commit
from rendering.states import TASK_MOVES, TaskStatus
from workers import services as queue


class Ending(NamedTuple):
    """A live attempt, with its task, and why it ends."""

    attempt: Attempt
    reason: str
    detail: str = ""
    log_tail: str = ""  # empty: the one there is stays


class TaskMove(NamedTuple):
    """Where a locked task goes, and the line about it."""

    task: Task
    to: TaskStatus
    reason: str
    attempts_used: int
    detail: str = ""


def end_attempts(endings: Sequence[Ending], now: datetime) -> set[int]:
    """End live attempts for their reasons; returns the ids of the tasks that wait for another attempt."""
    close_attempts(endings, now)
    moves = _moves_after(endings, now)
    move_tasks(moves, now)
    _blame([ending for ending, move in zip(endings, moves, strict=True) if move.reason != Reason.QUARANTINED], now)
    strikes.learn_from_failures([(ending.attempt, ending.reason) for ending in endings], now)
    for ending, move in zip(endings, moves, strict=True):
        if move.to == TaskStatus.FAILED and reasons.outcome(ending.reason).stops_job:
            hint_on_commit("stop_job", move.task.job_id, ending.reason, ending.detail)
    return {move.task.pk for move in moves if move.to == TaskStatus.WAITING}


def _moves_after(endings: Sequence[Ending], now: datetime) -> list[TaskMove]:
    used = {
        ending.attempt.task_id: ending.attempt.task.attempts_used + reasons.outcome(ending.reason).counts for ending in endings
    }
    counted = strikes.strikes_of(used)
    return [_after(ending, used[ending.attempt.task_id], counted.get(ending.attempt.task_id, []), now) for ending in endings]


def _after(ending: Ending, used: int, counted: Sequence[strikes.Strike], now: datetime) -> TaskMove:
    said = strikes.verdict_on(ending.attempt.task, ending.reason, counted, now)
    detail = strikes.why_quarantined(counted) if said.reason == Reason.QUARANTINED else ending.detail
    if said.nobody_else:
        detail = f"{reasons.NOBODY_ELSE} {detail}".strip()
    to = TaskStatus.FAILED if said.failed else TaskStatus.WAITING
    return TaskMove(ending.attempt.task, to, str(said.reason), used, detail)


def _blame(endings: Iterable[Ending], now: datetime) -> None:
    """Failures that are a node's fault stand in its sums of the day."""
    faults = [ending for ending in endings if reasons.outcome(ending.reason).fault == reasons.Fault.WORKER]
    failed = Counter(ending.attempt.worker_id for ending in faults)
    queue.tally_all(now.date(), [queue.Sums(worker_id, tasks_failed=tasks) for worker_id, tasks in failed.items()])


def return_attempts(endings: Sequence[Ending], now: datetime) -> None:
    """End live attempts through no fault of the work: nothing is counted."""
    close_attempts(endings, now)
    tasks = [(ending.attempt.task, ending.reason) for ending in endings]
    move_tasks([TaskMove(task, TaskStatus.WAITING, reason, task.attempts_used) for task, reason in tasks], now)


CLOSE = """
    UPDATE rendering_attempt AS attempt
    SET outcome = given.outcome, finished_at = COALESCE(attempt.finished_at, %s),
        log_tail = CASE WHEN given.log_tail = '' THEN attempt.log_tail ELSE given.log_tail END
    FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS given(id, outcome, log_tail) WHERE attempt.id = given.id
"""


def close_attempts(endings: Sequence[Ending], now: datetime) -> None:
    """Write how these attempts ended."""
    rows = [(ending.attempt.pk, ending.reason[:40], ending.log_tail) for ending in endings]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(CLOSE, [now, *map(list, zip(*rows, strict=True))])


MOVE = """
    UPDATE rendering_task AS task SET status = given.became, reason = given.reason, attempts_used = given.used
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::int[]) AS given(id, was, became, reason, used)
    WHERE task.id = given.id AND task.status = given.was
"""


def move_tasks(moves: Sequence[TaskMove], now: datetime) -> None:
    """Move locked tasks in one statement, write a line about each, tell their jobs."""
    if not moves:
        return
    for each in moves:
        assert each.to in TASK_MOVES[each.task.status], f"{each.task.status} -> {each.to}"
    rows = [(each.task.pk, each.task.status, each.to.value, each.reason[:40], each.attempts_used) for each in moves]
    with connection.cursor() as cursor:
        cursor.execute(MOVE, [list(column) for column in zip(*rows, strict=True)])
        assert cursor.rowcount == len(rows), "a task moved without its lock"
    JobEvent.objects.bulk_create(_line(each, now) for each in moves)
    job_ids = {each.task.job_id for each in moves}
    refresh_on_commit(job_ids)
    for job_id in job_ids:
        events.job_changed(job_id, events.FRAMES, events.PROGRESS, events.NODES, events.EVENTS)


def _line(each: TaskMove, now: datetime) -> JobEvent:
    return task_line(each.task, was=each.task.status, became=each.to, at=now, reason=each.reason[:40], detail=each.detail)


def give_up(task_ids: Sequence[int], now: datetime) -> None:
    """Tasks that were leased again and again without an outcome have failed; their work is withdrawn."""
    if not task_ids:
        return
    queue.withdraw(KIND, list(task_ids))
    tasks = Task.objects.select_for_update().filter(pk__in=task_ids, status=TaskStatus.WAITING).order_by("pk")
    move_tasks([TaskMove(task, TaskStatus.FAILED, Reason.TOO_MANY_LEASES, task.attempts_used) for task in tasks], now)
