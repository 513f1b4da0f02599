"""What nodes report about tasks, in batches, inside the transaction that changes the queue.

Every effect carries its attempt: a report counts only while the task is rendering under that very attempt. A batch
costs the same few statements however many reports it holds.

Locks: the tasks with their attempts, in the order of the tasks.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction

from pictor_agent import protocol
from pictor_agent.protocol import RenderResult
from rendering import events, gathering, reasons
from rendering.choices import FILE_SUFFIX
from rendering.models import Attempt, JobEvent, Output, Task
from rendering.reasons import Reason
from rendering.services.attempts import lock_attempts
from rendering.services.endings import Ending, end_attempts, return_attempts
from rendering.services.journal import task_line
from rendering.states import TASK_MOVES, TaskStatus
from workers.kinds import FailedReport, FinishedReport, RenderedReport, ReturnedReport, StartedReport

PIXEL_BYTES_MAX = 32  # of a frame's file
TILE_PIXEL_BYTES_MAX = 256  # with 16 passes of four channels
FILE_HEAD_BYTES_MAX = 1024**2
in_transaction = transaction.atomic(savepoint=False)  # the queue's own rolls back as a whole
Report = StartedReport | RenderedReport | FinishedReport | FailedReport | ReturnedReport


def live_attempts(reports: Sequence[Report]) -> dict[int, Attempt]:
    """The attempts that render their tasks now, of those the reports speak of, locked; by work id."""
    work_ids = {(report.reference, report.attempt): report.work_id for report in reports}
    live = lock_attempts(work_ids.keys(), TaskStatus.RENDERING)
    return {work_ids[key]: attempt for key, attempt in live.items()}


@in_transaction
def start_tasks(reports: Sequence[StartedReport], now: datetime) -> None:
    """The renderer has begun."""
    begun = [attempt for attempt in live_attempts(reports).values() if not attempt.started_at]
    Attempt.objects.filter(pk__in=[attempt.pk for attempt in begun]).update(started_at=now)
    _announce(begun, events.NODES, events.FRAMES)


@in_transaction
def render_tasks(reports: Sequence[RenderedReport], now: datetime) -> dict[int, str]:
    """The node commits to the pixels; returns where each file is to be stored, by work id.

    The first commitment of an attempt stands: another file, or one larger than any frame of this size, has no place.
    """
    result_of = {report.work_id: report.result for report in reports}
    live = live_attempts(reports)
    fitting = {pk: each for pk, each in live.items() if result_of[pk].size_bytes <= file_bytes_max(each.task)}
    _commit(fitting, result_of, now)
    return {pk: storage_key(each) for pk, each in fitting.items() if each.file_sha256 == result_of[pk].file_sha256}


def file_bytes_max(task: Task) -> int:
    """No frame is larger: twice four channels of 32 bits without compression, and a header; a tile also brings passes."""
    ordered = task.ordered_picture
    return FILE_HEAD_BYTES_MAX + ordered.width * ordered.height * (TILE_PIXEL_BYTES_MAX if task.tile else PIXEL_BYTES_MAX)


COMMIT = """
    UPDATE rendering_attempt AS attempt
    SET rendered_at = %s, render_seconds = given.seconds, pixels_sha256 = given.pixels, file_sha256 = given.file,
        device = given.device
    FROM unnest(%s::bigint[], %s::float8[], %s::text[], %s::text[], %s::text[]) AS given(id, seconds, pixels, file, device)
    WHERE attempt.id = given.id AND attempt.rendered_at IS NULL
"""


def _commit(attempts: Mapping[int, Attempt], result_of: Mapping[int, RenderResult], now: datetime) -> None:
    """Write the commitments of those attempts that have made none; by work id."""
    rows = []
    for work_id, attempt in attempts.items():
        if attempt.rendered_at is None:
            said = result_of[work_id]
            attempt.rendered_at, attempt.file_sha256 = now, said.file_sha256
            device = said.device if said.device in protocol.DEVICES else ""
            rows.append((attempt.pk, said.render_seconds, said.pixels_sha256, said.file_sha256, device))
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(COMMIT, [now, *map(list, zip(*rows, strict=True))])


def storage_key(attempt: Attempt) -> str:
    """Where the frame of an attempt lies in the store."""
    task = attempt.task
    return f"frames/{task.job_id}/{task.pk}-{attempt.number}.{FILE_SUFFIX[task.ordered_picture.format]}"


@in_transaction
def finish_tasks(reports: Sequence[FinishedReport], now: datetime) -> None:
    """The files are on the server: the checks are due."""
    live = live_attempts(reports)
    if not live:
        return
    said = {report.work_id: report for report in reports}
    _commit(live, {work_id: said[work_id].result for work_id in live}, now)
    Output.objects.bulk_create(_output(attempt, said[work_id].result) for work_id, attempt in live.items())
    _finish(live, said, now)
    at_once = _is_one_nearly_over({attempt.task.job_id for attempt in live.values()})
    gathering.ask_on_commit([attempt.task_id for attempt in live.values()], at_once=at_once)
    _announce(live.values(), events.FRAMES, events.PROGRESS, events.NODES)


LAST = 3  # frames of a job: what was gathered is looked at while they render, so that the very last one waits for no other
NEARLY_OVER = f"""
    SELECT EXISTS (SELECT 1 FROM unnest(%s::bigint[]) AS job(id) WHERE NOT EXISTS (
        SELECT 1 FROM rendering_task AS task
        WHERE task.job_id = job.id AND task.status IN ('{TaskStatus.WAITING}', '{TaskStatus.RENDERING}') OFFSET {LAST}))
"""


def _is_one_nearly_over(job_ids: Collection[int]) -> bool:
    """Has one of these jobs hardly a frame left to render? Its creator soon waits for the checks alone."""
    with connection.cursor() as cursor:
        cursor.execute(NEARLY_OVER, [sorted(job_ids)])
        return cursor.fetchone()[0]


def _output(attempt: Attempt, result: RenderResult) -> Output:
    return Output(
        attempt=attempt,
        storage_key=storage_key(attempt),
        sha256=attempt.file_sha256,
        size_bytes=result.size_bytes,
        width=max(0, result.width),
        height=max(0, result.height),
    )


FINISH = """
    UPDATE rendering_attempt AS attempt SET finished_at = %s, log_tail = given.log_tail
    FROM unnest(%s::bigint[], %s::text[]) AS given(id, log_tail) WHERE attempt.id = given.id
"""


def _finish(live: Mapping[int, Attempt], said: Mapping[int, FinishedReport], now: datetime) -> None:
    """The locked tasks are being checked."""
    assert TaskStatus.CHECKING in TASK_MOVES[TaskStatus.RENDERING]
    tasks = [attempt.task for attempt in live.values()]
    with connection.cursor() as cursor:
        cursor.execute(FINISH, [now, [each.pk for each in live.values()], [said[work_id].log_tail for work_id in live]])
    Task.objects.filter(pk__in=[task.pk for task in tasks], status=TaskStatus.RENDERING).update(
        status=TaskStatus.CHECKING, reason=""
    )
    JobEvent.objects.bulk_create(
        task_line(task, was=TaskStatus.RENDERING, became=TaskStatus.CHECKING, at=now) for task in tasks
    )


@in_transaction
def fail_tasks(reports: Sequence[FailedReport], now: datetime) -> set[int]:
    """These attempts ended badly; returns the work ids that are to wait again."""
    live, said = live_attempts(reports), {report.work_id: report for report in reports}
    again = end_attempts([_ending(attempt, said[work_id]) for work_id, attempt in live.items()], now)
    return {work_id for work_id, attempt in live.items() if attempt.task_id in again}


def _ending(attempt: Attempt, said: FailedReport) -> Ending:
    """What is believed of a node's words: that nothing of the job can be rendered is no longer true once a frame is in."""
    reason = reasons.said_by_node(said.reason)
    if reasons.outcome(reason).stops_job and attempt.task.job.tasks.filter(status=TaskStatus.ACCEPTED).exists():
        return Ending(attempt, Reason.AGENT_ERROR, f"{reason}, while other frames are accepted", said.log_tail)
    return Ending(attempt, reason, said.detail, said.log_tail)


@in_transaction
def return_tasks(reports: Sequence[ReturnedReport], now: datetime) -> None:
    """These attempts ended through no fault of the work: the tasks wait again and nothing is counted."""
    live, said = live_attempts(reports), {report.work_id: report for report in reports}
    return_attempts([Ending(attempt, said[work_id].reason) for work_id, attempt in live.items()], now)


def _announce(attempts: Iterable[Attempt], *changed: str) -> None:
    for job_id in {attempt.task.job_id for attempt in attempts}:
        events.job_changed(job_id, *changed)
