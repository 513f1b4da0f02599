"""Benchmarks are asked for when a node is idle, and given up when nobody begins or ends them.

What the node reports: workers.benchmark_runs. What follows for its score: workers.benchmark_scores.
Locks: the node where one is asked for; work rows, then lease rows, then the run where it is given up.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from common.transitions import move
from pictor_agent import protocol, reference
from workers import benchmark_runs, canary, events, queue, scoring, waiting
from workers.benchmark_models import OPEN
from workers.facts import facts_of
from workers.kinds import NewWork
from workers.matching import mismatch
from workers.models import BenchmarkRun, Cached, Lease, Worker
from workers.sharing import ECONOMY, Group
from workers.states import BENCHMARK_MOVES, BenchmarkStatus, WorkerStatus

KIND = "benchmark"
S = BenchmarkStatus
QUIET = timedelta(minutes=10)  # online and without work for so long: a node that has just come, or is in demand, is left alone
WAITS = timedelta(minutes=10)  # one that was not begun by then is given up
OWNER_WAITS = timedelta(hours=6)  # the same where its owner asked: the node may have to finish its work first
LASTS = timedelta(hours=2)
OWNER_AGAIN = timedelta(hours=1)  # so often may its owner ask
ASKED_AT_ONCE, LOOKED_AT = 20, 200  # nodes in one run of the sweep
GROUPS_SEEN = 200  # jobs of a tier that are looked at for whether one of them waits for a node
KEPT_FOR = timedelta(days=90)


class NotNow(Exception):
    """Why this node cannot be measured now; str() is for its owner."""


def ask_for_benchmark(worker: Worker, *, now: datetime, by_owner: bool = False) -> BenchmarkRun:
    """Put one into the queue.

    Raises:
        NotNow: with the reason.
    """
    canary.put_into_store()
    return _ask(worker.pk, now=now, by_owner=by_owner)


@transaction.atomic
def _ask(worker_id: int, *, now: datetime, by_owner: bool) -> BenchmarkRun:
    worker = Worker.objects.select_for_update(no_key=True).get(pk=worker_id)
    if obstacle := obstacle_of(worker) or (by_owner and _too_soon(worker, now)):
        raise NotNow(obstacle)
    run = BenchmarkRun.objects.create(worker=worker, created_at=now, by_owner=by_owner)
    Worker.objects.filter(pk=worker.pk).update(benchmark_due_at=now + scoring.RETRY_AFTER)
    needs = {"node_only": worker.pk, "protocol_min": protocol.BENCHMARK_SINCE, "blender_version": reference.CANARY_VERSION}
    work = NewWork(reference=run.pk, group=worker.pk, owner_id=worker.owner_id, requirements=needs, priority=-1, tier=ECONOMY)
    queue.enqueue(KIND, [work])
    events.announce_status(worker)
    return run


def obstacle_of(worker: Worker) -> str:
    """Why this node cannot be measured now; empty when it can."""
    if not worker.takes_work or worker.connected_at is None:
        return "It is measured while it is online and takes work."
    if worker.protocol < protocol.BENCHMARK_SINCE:
        return "Its agent is too old to be measured; update it."
    if reference.CANARY_VERSION not in worker.blender_versions:
        return f"It is measured with Blender {reference.CANARY_VERSION}, which it does not offer."
    if worker.benchmark_runs.filter(status__in=OPEN).exists():
        return "It is being measured already."
    return ""


def _too_soon(worker: Worker, now: datetime) -> str:
    recent = worker.benchmark_runs.filter(created_at__gt=now - OWNER_AGAIN).exists()
    return "It was measured within the last hour; that is often enough." if recent else ""


def queue_due(*, now: datetime, limit: int = ASKED_AT_ONCE) -> int:
    """Ask nodes that have nothing else to do, and for which nobody's work waits; returns how many."""
    asked, groups = 0, None
    for worker in due(now)[:LOOKED_AT]:
        if groups is None:
            groups = [group for group in waiting.groups(now=now, limit=GROUPS_SEEN) if group.key[2] != KIND]
        if asked == limit:
            break
        if _is_waited_for(worker, groups):
            continue
        try:
            ask_for_benchmark(worker, now=now)
            asked += 1
        except NotNow:
            pass
    return asked


def _is_waited_for(worker: Worker, groups: Sequence[Group]) -> bool:
    """Does any of this work fit the node? What no node could do, or not this one, keeps it from nothing."""
    facts = facts_of(worker)
    return any(mismatch(group.requirements, facts.met_by(group.whose), group.learned) is None for group in groups)


def due(now: datetime) -> QuerySet[Worker]:
    """Idle nodes that were never measured, are another machine since, or whose time has come."""
    newest = BenchmarkRun.objects.filter(worker=OuterRef("pk")).order_by("-created_at")
    worked = Cached.objects.filter(worker=OuterRef("pk"), used_at__gt=now - QUIET)
    changed = Q(asked_at__lt=F("hardware_at"))
    return (
        Worker.objects.filter(status=WorkerStatus.ONLINE, closed_by="", resting="")
        .select_related("controls")
        .prefetch_related("gpus")
        .annotate(asked_at=Subquery(newest.values("created_at")[:1]))
        .filter(Q(benchmark_due_at=None) | Q(benchmark_due_at__lte=now) | changed)
        .filter(connected_at__lt=now - QUIET, protocol__gte=protocol.BENCHMARK_SINCE)
        .filter(blender_versions__contains=[reference.CANARY_VERSION])
        .exclude(Exists(Lease.objects.filter(worker=OuterRef("pk"))))
        .exclude(Exists(worked))
        .order_by("?")  # those that work waits for are passed over again and again: nobody may wait behind them
    )


def give_up(*, now: datetime, limit: int = 1_000) -> int:
    """End runs that nobody begins or ends any more."""
    not_begun = Q(by_owner=False, created_at__lt=now - WAITS) | Q(created_at__lt=now - OWNER_WAITS)
    late = Q(status=S.WAITING) & not_begun | Q(status=S.RUNNING, leased_at__lt=now - LASTS)
    ids = list(BenchmarkRun.objects.filter(late).order_by("pk").values_list("pk", flat=True)[:limit])
    if ids:
        _give_up(ids, now)
    return len(ids)


@transaction.atomic
def _give_up(ids: list[int], now: datetime) -> None:
    queue.withdraw(KIND, ids)
    for run in benchmark_runs.locked(ids, S.WAITING, S.RUNNING):
        reason = "given_up" if run.status == S.WAITING else "not_ended"
        move(run, S.FAILED, moves=BENCHMARK_MOVES, reason=reason, finished_at=now)


def unjudged(*, limit: int = 20) -> list[int]:
    """Runs whose hint may have been lost."""
    return list(BenchmarkRun.objects.filter(status=S.CHECKING).order_by("pk").values_list("pk", flat=True)[:limit])


def drop_old(*, now: datetime, limit: int = 5_000) -> int:
    """Runs that are older than KEPT_FOR are dropped, but for each node's newest one and its newest that passed."""
    newer = BenchmarkRun.objects.filter(worker=OuterRef("worker"), created_at__gt=OuterRef("created_at"))
    followed = Exists(newer.filter(status=S.PASSED)) | (~Q(status=S.PASSED) & Exists(newer))
    old = BenchmarkRun.objects.filter(followed, created_at__lt=now - KEPT_FOR).exclude(status__in=OPEN)
    ids = list(old.order_by("created_at").values_list("pk", flat=True)[:limit])
    BenchmarkRun.objects.filter(pk__in=ids).delete()
    return len(ids)
