"""Why work waits, why a node is idle, and who works on what: the facts for workers.matching, and rows for pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Count, Q

from workers import matching, telemetry
from workers.matching import Requirements, WorkerFacts
from workers.models import Lease, Work, Worker
from workers.states import WorkerStatus

LOOK = 500  # waiting rows looked at for one sentence
NODES = 2_000

AHEAD = """
    SELECT count(*) FROM (
        SELECT 1 FROM workers_work WHERE NOT leased AND NOT held AND (-priority, sort, id) < (%s, %s, %s) LIMIT 100000) AS ahead
"""


def facts_of(worker: Worker) -> WorkerFacts:
    """`worker` with its GPUs prefetched."""
    return WorkerFacts(
        worker_id=worker.pk,
        owner_id=worker.owner_id,
        blender_versions=frozenset(worker.blender_versions),
        ram_bytes=worker.ram_bytes,
        vram_bytes=tuple(gpu.vram_bytes for gpu in worker.gpus.all()),
        sandboxed=worker.sandboxed,
        unsandboxed_allowed=worker.unsandboxed_allowed,
        score_milli=worker.score_milli,
    )


def waiting_reason(kind: str, group: int) -> str | None:
    """One line for a group's page, or None when nothing of it waits."""
    waiting = Work.objects.filter(kind=kind, group=group, leased=False)
    first = waiting.filter(held=False).order_by("-priority", "sort", "id").first()
    if first is None:
        return "Held back while its job is paused." if waiting.exists() else None
    running = Count("leases", filter=Q(leases__place=0))
    nodes = Worker.objects.taking_work().prefetch_related("gpus").annotate(running=running)[:NODES]
    pairs = [(facts_of(worker), worker.running < worker.slots) for worker in nodes]
    with connection.cursor() as cursor:
        cursor.execute(AHEAD, [-first.priority, first.sort, first.pk])
        ahead = cursor.fetchone()[0]
    return matching.explain_waiting(Requirements.from_json(first.requirements), pairs, ahead=ahead)


def idle_reason(worker: Worker) -> str:
    """One line for a node's page; empty while it works."""
    return idle_reasons([worker])[worker.pk]


def idle_reasons(workers: Sequence[Worker]) -> dict[int, str]:
    """The line of each node (GPUs prefetched), with a fixed number of queries."""
    busy = set(Lease.objects.filter(worker__in=workers).values_list("worker_id", flat=True))
    idle = [worker for worker in workers if worker.status == WorkerStatus.ONLINE and worker.pk not in busy]
    waiting = _waiting_requirements() if idle else []
    lines = {
        worker.pk: "" if worker.status == WorkerStatus.ONLINE else matching.STATUS_WORDS[worker.status] for worker in workers
    }
    return lines | {worker.pk: matching.explain_idle(facts_of(worker), waiting) for worker in idle}


def _waiting_requirements() -> list[Requirements]:
    waiting = Work.objects.filter(leased=False, held=False).order_by("-priority", "sort", "id")
    return [Requirements.from_json(row) for row in waiting.values_list("requirements", flat=True)[:LOOK]]


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
