"""Why work waits, why a node is idle, and who works on what: the facts for workers.matching, and rows for pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from common import clock
from workers import misfits, telemetry, waiting, wording
from workers.facts import facts_of, online_nodes_of_late
from workers.matching import NOTHING, Learned, Requirements, softened
from workers.models import Lease, Work, Worker
from workers.states import WorkerStatus

LOOK = 200  # groups of a tier looked at for one sentence

# One row: what the first waiting work of a group needs, how much of its owner's is before it (among the first 10,000, the
# earlier jobs), how many others take turns.
STANDING = """
    WITH RECURSIVE own AS (
        SELECT tier, owner_id FROM workers_work WHERE kind = %(kind)s AND "group" = %(group)s AND NOT leased AND NOT held LIMIT 1),
    head AS (
        SELECT work.* FROM own CROSS JOIN LATERAL (
            SELECT * FROM workers_work AS work
            WHERE NOT leased AND NOT held AND work.tier = own.tier AND work.owner_id = own.owner_id
              AND kind = %(kind)s AND "group" = %(group)s
            ORDER BY priority DESC, sort, id LIMIT 1) AS work),
    leap AS (
        SELECT first.owner_id, 1 AS depth FROM own CROSS JOIN LATERAL (
            SELECT work.owner_id FROM workers_work AS work WHERE NOT leased AND NOT held AND work.tier = own.tier
            ORDER BY work.tier, work.owner_id LIMIT 1) AS first
        UNION ALL
        SELECT next.owner_id, leap.depth + 1 FROM leap CROSS JOIN own CROSS JOIN LATERAL (
            SELECT work.owner_id FROM workers_work AS work
            WHERE NOT leased AND NOT held AND work.tier = own.tier AND work.owner_id > leap.owner_id
            ORDER BY work.tier, work.owner_id LIMIT 1) AS next
        WHERE leap.depth < 100)
    SELECT head.requirements::text, head.affinity,
           (SELECT count(*) FILTER (WHERE (-own_work.priority, COALESCE(own_work.needed_by_at, 'infinity'), own_work.sort, own_work.id)
                                    < (-head.priority, COALESCE(head.needed_by_at, 'infinity'), head.sort, head.id))
            FROM (SELECT * FROM workers_work AS work
                  WHERE NOT leased AND NOT held AND work.tier = head.tier AND work.owner_id = head.owner_id
                  ORDER BY work.tier, work.owner_id, work.kind, work."group" LIMIT 10000) AS own_work),
           (SELECT count(*) FROM leap WHERE leap.owner_id <> head.owner_id)
    FROM head
"""


def waiting_reason(kind: str, group: int) -> str | None:
    """One line for a group's page, or None when nothing of it waits."""
    standing = _standing(kind, group)
    if standing is None:
        waits = Work.objects.filter(kind=kind, group=group, leased=False).exists()
        return "Held back while its job is paused." if waits else None
    requirements, learned, ahead, others = standing
    nodes = online_nodes_of_late()
    learned = softened(requirements, learned, [node.facts for node in nodes])
    return wording.explain_waiting(requirements, nodes, ahead=ahead, others=others, learned=learned)


def what_is_missing(kind: str, group: int) -> str:
    """What no node that takes work now has, in words with figures; empty while one fits, none is online or nothing waits."""
    standing = _standing(kind, group)
    if standing is None:
        return ""
    nodes = [node.facts for node in online_nodes_of_late()]
    return wording.lacking(standing[0], nodes, learned=softened(standing[0], standing[1], nodes))


def _standing(kind: str, group: int) -> tuple[Requirements, Learned, int, int] | None:
    with connection.cursor() as cursor:
        cursor.execute(STANDING, {"kind": kind, "group": group})
        row = cursor.fetchone()
    if row is None:
        return None
    requirements, affinity, ahead, others = row
    learned = misfits.learned([affinity], now=clock.now()).get(affinity, NOTHING)
    return waiting.requirements_from(requirements), learned, ahead, others


def idle_reason(worker: Worker) -> str:
    """One line for a node's page; empty while it works."""
    return idle_reasons([worker])[worker.pk]


def idle_reasons(workers: Sequence[Worker]) -> dict[int, str]:
    """The line of each node (GPUs prefetched), with a fixed number of queries."""
    busy = set(Lease.objects.filter(worker__in=workers).values_list("worker_id", flat=True))
    idle = [worker for worker in workers if worker.status == WorkerStatus.ONLINE and worker.pk not in busy]
    groups = waiting.groups(now=clock.now(), limit=LOOK) if idle else []
    needed = [(group.requirements, group.learned) for group in groups]
    lines = {
        worker.pk: "" if worker.status == WorkerStatus.ONLINE else wording.STATUS_WORDS[worker.status] for worker in workers
    }
    return lines | {worker.pk: wording.explain_idle(facts_of(worker), needed) for worker in idle}


@dataclass(frozen=True, slots=True)
class AtWork:
    """One attempt on one node, for a page."""

    worker_id: int
    worker_name: str
    kind: str
    reference: int
    place: int | None  # 0 runs, 1 is next, None uploads
    fraction: float
    note: str
    started_at: datetime | None
    attempt: int
    work_id: int


def nodes_at_work(kind: str, group: int, *, limit: int = 200) -> list[AtWork]:
    """Who renders, uploads or has next what of a group; running ones first."""
    return _at_work(Lease.objects.filter(work__kind=kind, work__group=group), limit)


def work_of(worker: Worker, *, limit: int = 50) -> list[AtWork]:
    """What one node holds."""
    return _at_work(Lease.objects.filter(worker=worker), limit)


def current_work(workers: Iterable[Worker]) -> dict[int, AtWork]:
    """The running attempt of each node that has one."""
    rows = _at_work(Lease.objects.filter(worker__in=list(workers), place=0), limit=1_000)
    return {row.worker_id: row for row in rows}


def _at_work(leases, limit: int) -> list[AtWork]:
    rows = list(leases.select_related("work", "worker").order_by("place", "worker__name", "id")[:limit])
    progress = telemetry.get_progresses([lease.work_id for lease in rows])
    return [
        AtWork(
            worker_id=lease.worker_id,
            worker_name=lease.worker.name,
            kind=lease.work.kind,
            reference=lease.work.reference,
            place=lease.place,
            fraction=1.0 if lease.place is None else progress[lease.work_id][0],
            note=progress[lease.work_id][1],
            started_at=lease.started_at,
            attempt=lease.attempt,
            work_id=lease.work_id,
        )
        for lease in rows
    ]
