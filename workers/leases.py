"""Ending leases without a report: withdrawal by the product, expiry, a node that went away.

Locks: work rows in id order first, lease rows after them; the products' rows come last, in their handlers.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from workers import deliveries, events, losses
from workers.kinds import ReturnedReport, kind_of
from workers.models import Lease, Work
from workers.nudges import nudge_on_commit
from workers.states import ReturnReason, WorkerStatus

LIMIT = 1_000
UNSTARTED = Q(started_at=None, place=1)
# Whose doing it is that a node did not begin its work, or left what it had begun. A task that is merely next was not its to begin yet.
UNBEGUN = {ReturnReason.LEASE_EXPIRED, ReturnReason.NOT_ACKNOWLEDGED, ReturnReason.NODE_GONE}
LEFT = UNBEGUN | {ReturnReason.DRAINED, ReturnReason.PAUSED}

PROMOTE = """
    UPDATE workers_lease AS next SET place = 0
    WHERE next.place = 1 AND next.worker_id = ANY(%s)
      AND NOT EXISTS (SELECT 1 FROM workers_lease AS run
                      WHERE run.worker_id = next.worker_id AND run.slot = next.slot AND run.place = 0)
"""


TRIES = 5


def promote(worker_ids: Iterable[int]) -> None:
    """What was next on these nodes runs now, where nothing else does.

    The feeder may fill a place at the same moment; looked at again, that node has something that runs.
    """
    for tries_left in reversed(range(TRIES)):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(PROMOTE, [sorted(set(worker_ids))])
                return
        except IntegrityError:
            if not tries_left:
                raise


def lock_works(**condition) -> dict[int, Work]:
    """The work rows, locked in id order."""
    return {work.pk: work for work in Work.objects.select_for_update().filter(**condition).order_by("id")}


def take_leases(condition: Q, works: dict[int, Work]) -> list[Lease]:
    """Delete the leases of locked works that fulfil `condition` at this moment; returns them with their nodes."""
    held = Lease.objects.select_for_update(of=("self",)).select_related("worker")
    gone = list(held.filter(condition, work_id__in=list(works)).order_by("work_id"))
    Lease.objects.filter(pk__in=[lease.pk for lease in gone])._raw_delete(using="default")
    promote(lease.worker_id for lease in gone)
    return gone


@transaction.atomic
def return_leases(condition: Q, reason: ReturnReason, *, now: datetime, limit: int = LIMIT) -> int:
    """End the leases that fulfil `condition`; their work waits again. Returns how many."""
    candidates = list(Lease.objects.filter(condition).order_by("work_id").values_list("work_id", flat=True)[:limit])
    if not candidates:
        return 0
    works = lock_works(pk__in=candidates)
    gone = take_leases(condition, works)
    Work.objects.filter(pk__in=[lease.work_id for lease in gone]).update(leased=False)
    _tell_products(gone, works, reason, now=now)
    _tell_nodes(gone, reason, now=now)
    _count_against(gone, reason, now=now)
    return len(gone)


def _tell_products(gone: list[Lease], works: dict[int, Work], reason: ReturnReason, *, now: datetime) -> None:
    by_kind = defaultdict(list)
    for lease in gone:
        work = works[lease.work_id]
        report = ReturnedReport(work.pk, work.reference, lease.worker_id, lease.attempt, reason.value, work.group)
        by_kind[work.kind].append(report)
    for kind, reports in by_kind.items():
        kind_of(kind).returned(reports, now)


def _count_against(gone: list[Lease], reason: ReturnReason, *, now: datetime) -> None:
    """Reliability hears of it once it is known that the network was not away, and not where an operator took the work."""
    its_doing = [lease for lease in gone if lease.worker.status not in {WorkerStatus.SUSPENDED, WorkerStatus.RETIRED}]
    left = Counter(lease.worker_id for lease in its_doing if lease.started_at and reason in LEFT)
    unbegun = Counter(x.worker_id for x in its_doing if not x.started_at and x.place == 0 and reason in UNBEGUN)
    losses.note(left=left, unbegun=unbegun, now=now)


def _tell_nodes(gone: list[Lease], reason: ReturnReason, *, now: datetime) -> None:
    counts = Counter(lease.worker for lease in gone)
    events.record_all({worker: f"{count}: {reason.label}" for worker, count in counts.items()}, "work-returned", now=now)
    deliveries.cancel_on_commit(gone, str(reason.label))
    nudge_on_commit()
