"""What nodes say of their attempts, taken in batches: a report counts only if its attempt still holds the lease.

Locks: work and lease rows together, in the order of work ids; the products' rows after them, in their handlers.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import msgspec
import structlog
from django.conf import settings
from django.db import OperationalError, connection, transaction

from common.file_urls import sign_file_url
from pictor_agent import protocol
from workers.kinds import AVOIDED_FOR, FailedReport, FinishedReport, RenderedReport, StartedReport, kind_of
from workers.leases import promote
from workers.models import WorkerEvent
from workers.nudges import nudge_on_commit


class Arrived(msgspec.Struct):
    """One item of protocol.Received."""

    work_id: int
    attempt: int


log = structlog.get_logger(__name__)

Report = Arrived | protocol.Started | protocol.Rendered | protocol.Done | protocol.Failed
TRIES = 3  # a deadlock with a product's own transaction is resolved by trying again

LOCK = """
    SELECT work.id, lease.attempt, work.kind, work.reference, work."group", lease.worker_id, lease.place
    FROM unnest(%s::bigint[], %s::bigint[], %s::int[]) AS given(work_id, worker_id, attempt)
    JOIN workers_work AS work ON work.id = given.work_id
    JOIN workers_lease AS lease
      ON lease.work_id = work.id AND lease.worker_id = given.worker_id AND lease.attempt = given.attempt
    ORDER BY work.id FOR UPDATE OF work, lease
"""

KEEP = """
    UPDATE workers_lease AS lease
    SET acknowledged_at = COALESCE(lease.acknowledged_at, %(now)s),
        started_at = CASE WHEN given.started THEN COALESCE(lease.started_at, %(now)s) ELSE lease.started_at END,
        place = CASE WHEN given.rendered THEN NULL ELSE lease.place END
    FROM unnest(%(works)s::bigint[], %(started)s::bool[], %(rendered)s::bool[]) AS given(work_id, started, rendered)
    WHERE lease.work_id = given.work_id
"""

RETRY = """
    UPDATE workers_work AS work SET leased = FALSE, avoided_id = given.worker_id, avoided_until = %s,
        failed_on = array_append(array_remove(work.failed_on, given.worker_id), given.worker_id)
    FROM unnest(%s::bigint[], %s::bigint[]) AS given(work_id, worker_id) WHERE work.id = given.work_id
"""
END_LEASES = "DELETE FROM workers_lease WHERE work_id = ANY(%s)"
END_WORK = "DELETE FROM workers_work WHERE id = ANY(%s)"


def unfold(worker_id: int, message: Report | protocol.Received) -> list["Incoming"]:
    """One entry per attempt: Received names several at once."""
    if isinstance(message, protocol.Received):
        return [Incoming(worker_id, Arrived(work_id=work_id, attempt=attempt)) for work_id, attempt in message.items]
    return [Incoming(worker_id, message)]


Answer = protocol.UploadGrant | protocol.Recorded | protocol.Cancel | None
Key = tuple[int, int, int]  # work id, node, attempt


class Incoming(NamedTuple):
    worker_id: int
    message: Report

    @property
    def key(self) -> Key:
        return self.message.work_id, self.worker_id, self.message.attempt


class Holding(NamedTuple):
    """A live lease that is locked, and what it is for."""

    kind: str
    reference: int
    group: int
    place: int | None  # None: it is rendered, and another runs where it ran


@dataclass
class Batch:
    """The live reports of one transaction, by what they do. A later report of an ended attempt is stale."""

    held: dict[Key, Holding]
    started: set[Key] = field(default_factory=set)
    rendered: dict[Key, protocol.Rendered] = field(default_factory=dict)
    finished: dict[Key, protocol.Done] = field(default_factory=dict)
    failed: dict[Key, protocol.Failed] = field(default_factory=dict)
    grants: dict[Key, str] = field(default_factory=dict)  # storage keys
    retried: set[int] = field(default_factory=set)  # failed work that waits again

    def take(self, report: Incoming) -> bool:
        """Sort one report in; False when its attempt holds no lease (any more)."""
        key, message = report.key, report.message
        if key not in self.held or self.has_ended(key):
            return False
        match message:
            case protocol.Started():
                self.started.add(key)
            case protocol.Rendered():
                self.rendered.setdefault(key, message)  # the first commitment stands
            case protocol.Done():
                self.finished[key] = message
            case protocol.Failed():
                self.failed[key] = message
        return True

    def has_ended(self, key: Key) -> bool:
        return key in self.finished or key in self.failed


def record(incoming: Sequence[Incoming], now: datetime) -> list[Answer]:
    """Take the reports in their order and say what each node is answered.

    When a product breaks on one of them, the batch is halved until only that one is left out; it gets no answer, so
    its node repeats it.
    """
    if not incoming:
        return []
    for _ in range(TRIES):
        try:
            return _record(incoming, now)
        except OperationalError:
            log.warning("reports_repeated", count=len(incoming), exc_info=True)
        except Exception:
            log.exception("reports_failed", count=len(incoming))
            break
    if len(incoming) <= 1:
        return [None for _ in incoming]
    middle = len(incoming) // 2
    return record(incoming[:middle], now) + record(incoming[middle:], now)


@transaction.atomic
def _record(incoming: Sequence[Incoming], now: datetime) -> list[Answer]:
    batch = Batch(_lock({report.key for report in incoming}))
    live = [batch.take(report) for report in incoming]
    _tell_started(batch, now)
    _tell_rendered(batch, now)
    _keep(batch, now)
    _tell_finished(batch, now)
    _tell_failed(batch, now)
    _end(batch)
    return [_answer(report, alive, batch, now) for report, alive in zip(incoming, live, strict=True)]


def _lock(keys: set[Key]) -> dict[Key, Holding]:
    """The guard: those attempts that hold their lease at this moment, locked until the transaction ends."""
    works, workers, attempts = (list(column) for column in zip(*sorted(keys), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [works, workers, attempts])
        return {(row[0], row[5], row[1]): Holding(*row[2:5], row[6]) for row in cursor.fetchall()}


def _by_kind(batch: Batch, keys, make) -> dict[str, list]:
    """`make(work_id, reference, worker_id, attempt, key)` for each, sorted by kind."""
    found = defaultdict(list)
    for key in keys:
        work_id, worker_id, attempt = key
        found[batch.held[key].kind].append(make((work_id, batch.held[key].reference, worker_id, attempt), key))
    return found


def _tell_started(batch: Batch, now: datetime) -> None:
    for kind, reports in _by_kind(
        batch, sorted(batch.started), lambda head, key: StartedReport(*head, group=batch.held[key].group)
    ).items():
        kind_of(kind).started(reports, now)


def _tell_rendered(batch: Batch, now: datetime) -> None:
    """Ask for the places of the files; a result that its product (or its size) rules out is a failed attempt."""

    def report(head, key):
        return RenderedReport(*head, result=batch.rendered[key].result, group=batch.held[key].group)

    fitting = [key for key, message in batch.rendered.items() if message.result.size_bytes <= settings.UPLOAD_BYTES_MAX]
    keys = {}
    for kind, reports in _by_kind(batch, fitting, report).items():
        keys |= kind_of(kind).rendered(reports, now)
    for key in [*batch.rendered]:
        if key[0] in keys:
            batch.grants[key] = keys[key[0]]
        elif not batch.has_ended(key):
            batch.failed[key] = protocol.Failed(
                work_id=key[0], attempt=key[2], reason="output_invalid", detail="the announced result was refused"
            )


def _keep(batch: Batch, now: datetime) -> None:
    """Any report acknowledges; Started starts the clock; Rendered frees the place."""
    keys = [key for key in batch.held if not batch.has_ended(key)]
    if not keys:
        return
    columns = {
        "works": [key[0] for key in keys],
        "started": [key in batch.started or key in batch.rendered for key in keys],
        "rendered": [key in batch.rendered for key in keys],
    }
    with connection.cursor() as cursor:
        cursor.execute(KEEP, {"now": now, **columns})


def _tell_finished(batch: Batch, now: datetime) -> None:
    def report(head, key):
        done = batch.finished[key]
        return FinishedReport(*head, result=done.result, log_tail=done.log_tail, group=batch.held[key].group)

    for kind, reports in _by_kind(batch, batch.finished, report).items():
        kind_of(kind).finished(reports, now)


def _tell_failed(batch: Batch, now: datetime) -> None:
    """The products say which work waits again, for other nodes first; the rest leaves the queue in `_end`."""

    def report(head, key):
        said = batch.failed[key]
        return FailedReport(*head, said.reason, said.detail, said.log_tail, batch.held[key].group)

    retried = set()
    for kind, reports in _by_kind(batch, batch.failed, report).items():
        retried |= kind_of(kind).failed(reports, now)
    WorkerEvent.objects.bulk_create(
        WorkerEvent(worker_id=key[1], at=now, kind="task-failed", detail=f"{said.reason} {said.detail}".strip()[:300])
        for key, said in batch.failed.items()
    )
    again = [key for key in batch.failed if key[0] in retried]
    if again:
        _execute(RETRY, now + AVOIDED_FOR, [key[0] for key in again], [key[1] for key in again])
    batch.retried = retried


def _end(batch: Batch) -> None:
    over = [*batch.finished, *batch.failed]
    ended = sorted(key[0] for key in over)
    if ended:
        _execute(END_LEASES, ended)
        _execute(END_WORK, [work_id for work_id in ended if work_id not in batch.retried])
    vacated = {key[1] for key in [*over, *batch.rendered] if batch.held[key].place is not None}
    if vacated:
        promote(vacated)
    if vacated or batch.retried:
        nudge_on_commit()


def _execute(statement: str, *values) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _answer(report: Incoming, live: bool, batch: Batch, now: datetime) -> Answer:
    work_id, _, attempt = report.key
    match report.message:
        case protocol.Done() | protocol.Failed():
            note = "" if live else "this attempt no longer held its lease"
            return protocol.Recorded(work_id=work_id, attempt=attempt, stale=not live, note=note)
        case protocol.Rendered() if live and report.key in batch.grants:
            stands = batch.rendered[report.key].result.file_sha256 == report.message.result.file_sha256
            return _grant(report, batch.grants[report.key], now) if stands else None
        case _ if live and report.key not in batch.failed:
            return None
    return protocol.Cancel(items=[(work_id, attempt)], reason="this attempt no longer holds its lease")


def _grant(report: Incoming, storage_key: str, now: datetime) -> protocol.UploadGrant:
    work_id, _, attempt = report.key
    result = report.message.result
    url = sign_file_url(
        method="PATCH",
        storage_key=storage_key,
        sha256=result.file_sha256,
        size_bytes=result.size_bytes,
        work_id=work_id,
        attempt=attempt,
        now=now,
    )
    return protocol.UploadGrant(work_id=work_id, attempt=attempt, url=url)
