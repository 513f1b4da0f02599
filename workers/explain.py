"""Why work waits, why a node is idle, and who works on what: the facts for workers.matching, and rows for pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from common import clock
from common.lately import Lately
from workers import census, control_words, misfits, resting, telemetry, waiting, wording
from workers.control_models import controls_of
from workers.facts import facts_of
from workers.matching import NOTHING, Learned, Requirements, softened
from workers.models import Lease, Work, Worker
from workers.sharing import Group
from workers.states import WorkerStatus

LOOK = 200  # groups of a tier looked at for one sentence
FEW = 50  # groups that are read anew for every page; more are remembered for a moment
groups_of_late: Lately[list[Group]] = Lately()

# One row: what the first waiting work of a group needs, how much of its owner's comes before it (in 100 jobs,
# counted to a limit), how many others take turns. Each group's part that comes first is one range of its index.
STANDING = """
    WITH RECURSIVE own AS (
        SELECT tier, owner_id FROM workers_work WHERE kind = %(kind)s AND "group" = %(group)s AND NOT leased AND NOT held LIMIT 1),
    head AS (
        SELECT work.*, COALESCE(work.needed_by_at, 'infinity') AS due FROM own CROSS JOIN LATERAL (
            SELECT * FROM workers_work AS work
            WHERE NOT leased AND NOT held AND work.tier = own.tier AND work.owner_id = own.owner_id
              AND kind = %(kind)s AND "group" = %(group)s
            ORDER BY priority DESC, sort, id LIMIT 1) AS work),
    owners AS (
        SELECT first.owner_id, 1 AS depth FROM own CROSS JOIN LATERAL (
            SELECT work.owner_id FROM workers_work AS work WHERE NOT leased AND NOT held AND work.tier = own.tier
            ORDER BY work.tier, work.owner_id LIMIT 1) AS first
        UNION ALL
        SELECT next.owner_id, owners.depth + 1 FROM owners CROSS JOIN own CROSS JOIN LATERAL (
            SELECT work.owner_id FROM workers_work AS work
            WHERE NOT leased AND NOT held AND work.tier = own.tier AND work.owner_id > owners.owner_id
            ORDER BY work.tier, work.owner_id LIMIT 1) AS next
        WHERE owners.depth < 100),
    jobs AS (
        SELECT first.*, 1 AS depth FROM own CROSS JOIN LATERAL (
            SELECT work.kind, work."group", COALESCE(work.needed_by_at, 'infinity') AS due FROM workers_work AS work
            WHERE NOT leased AND NOT held AND work.tier = own.tier AND work.owner_id = own.owner_id
            ORDER BY work.tier, work.owner_id, work.kind, work."group" LIMIT 1) AS first
        UNION ALL
        SELECT next.*, jobs.depth + 1 FROM jobs CROSS JOIN own CROSS JOIN LATERAL (
            SELECT work.kind, work."group", COALESCE(work.needed_by_at, 'infinity') AS due FROM workers_work AS work
            WHERE NOT leased AND NOT held AND work.tier = own.tier AND work.owner_id = own.owner_id
              AND (work.kind, work."group") > (jobs.kind, jobs."group")
            ORDER BY work.tier, work.owner_id, work.kind, work."group" LIMIT 1) AS next
        WHERE jobs.depth < 100)
    SELECT head.requirements::text, head.affinity, head.owner_id,
           (SELECT count(*) FROM (SELECT 1 FROM jobs CROSS JOIN LATERAL (
                SELECT 1 FROM workers_work AS work
                WHERE NOT leased AND NOT held AND work.tier = head.tier AND work.owner_id = head.owner_id
                  AND work.kind = jobs.kind AND work."group" = jobs."group" AND work.priority > head.priority
                UNION ALL
                SELECT 1 FROM workers_work AS work
                WHERE NOT leased AND NOT held AND work.tier = head.tier AND work.owner_id = head.owner_id
                  AND work.kind = jobs.kind AND work."group" = jobs."group" AND work.priority = head.priority
                  AND jobs.due < head.due
                UNION ALL
                SELECT 1 FROM workers_work AS work
                WHERE NOT leased AND NOT held AND work.tier = head.tier AND work.owner_id = head.owner_id
                  AND work.kind = jobs.kind AND work."group" = jobs."group" AND work.priority = head.priority
                  AND jobs.due = head.due AND (work.sort, work.id) < (head.sort, head.id)) AS earlier LIMIT %(most)s) AS ahead),
           (SELECT count(*) FROM owners WHERE owners.owner_id <> head.owner_id)
    FROM head
"""


def waiting_reason(kind: str, group: int) -> str | None:
    """One line for a group's page, or None when nothing of it waits."""
    standing = _standing(kind, group)
    if standing is None:
        waits = Work.objects.filter(kind=kind, group=group, leased=False).exists()
        return "Held back while its job is paused." if waits else None
    requirements, learned, whose, ahead, others = standing
    nodes = census.online(requirements, learned, whose=whose)
    learned = softened(requirements, learned, [alike.facts for alike in nodes])
    return wording.explain_waiting(requirements, nodes, ahead=ahead, others=others, learned=learned)


def what_is_missing(kind: str, group: int) -> str:
    """What no node that takes work now has, in words with figures; empty while one fits, none is online or nothing waits."""
    standing = _standing(kind, group)
    if standing is None:
        return ""
    requirements, learned, whose, _, _ = standing
    nodes = census.online(requirements, learned, whose=whose)
    learned = softened(requirements, learned, [alike.facts for alike in nodes])
    return wording.lacking(requirements, nodes, learned=learned)


def _standing(kind: str, group: int) -> tuple[Requirements, Learned, int, int, int] | None:
    with connection.cursor() as cursor:
        cursor.execute(STANDING, {"kind": kind, "group": group, "most": wording.AHEAD_MAX + 1})
        row = cursor.fetchone()
    if row is None:
        return None
    requirements, affinity, *standing = row
    learned = misfits.learned([affinity], now=clock.now()).get(affinity, NOTHING)
    return waiting.requirements_from(requirements), learned, *standing


def idle_reason(worker: Worker) -> str:
    """One line for a node; empty while it works."""
    return "" if worker.leases.exists() else idle_reasons([worker])[worker.pk]


def idle_reasons(workers: Sequence[Worker]) -> dict[int, str]:
    """The line of each node that holds no work (controls and GPUs joined), with a fixed number of queries."""
    idle = [worker for worker in workers if worker.takes_work]
    now = clock.now()
    groups = _waiting(now) if idle else []
    needed = [(group.requirements, group.learned, group.whose) for group in groups]
    lines = {worker.pk: _status_line(worker, now) for worker in workers}
    return lines | {worker.pk: wording.explain_idle(facts_of(worker), needed) for worker in idle}


def _waiting(now: datetime) -> list[Group]:
    """What idle nodes could have; of a long queue a few seconds old."""
    found = groups_of_late.known()
    if found is None:
        found = waiting.groups(now=now, limit=LOOK)
        if len(found) > FEW:
            groups_of_late.keep(found)
    return found


def _status_line(worker: Worker, now: datetime) -> str:
    if worker.status == WorkerStatus.ONLINE:
        zone = controls_of(worker).time_zone
        closed = control_words.closed_line(worker.closed_by, worker.hours_change_at, zone, now=now)
        return closed or resting.line_of(worker.resting)
    return wording.STATUS_WORDS[worker.status]


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
