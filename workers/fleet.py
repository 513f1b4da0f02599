"""Many nodes of one owner: found, put in order, and paused or resumed at once.

Locks: the worker rows in id order (without their keys), then what workers.leases locks.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Case, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When

from common.transitions import move_all
from workers import events
from workers.leases import UNSTARTED, return_leases
from workers.models import Lease, Worker, WorkerEvent
from workers.nodes import BEFORE_UPLOAD
from workers.nudges import nudge_on_commit
from workers.states import MAY_PAUSE, WORKER_MOVES, ReturnReason, WorkerStatus

S = WorkerStatus
ATTENTION = (S.ONLINE, S.DRAINING, S.PAUSED, S.OFFLINE, S.NEW, S.SUSPENDED, S.RETIRED)  # by status: in this order
PLACES_MAX = 50_000  # that many nodes have next or run

SORTS = {"name": "Name", "status": "Status", "-created": "Newest first", "-changed": "Last change first"}


def find(nodes: QuerySet, *, words: str = "", status: str = "") -> QuerySet:
    """Those whose name has all of the words, in any case. Without a status: all that are not retired."""
    for word in words.split():
        nodes = nodes.filter(name__icontains=word)
    return nodes.filter(status=status) if status else nodes.kept()


def in_order(nodes: QuerySet, sort: str) -> QuerySet:
    """`sort`: a key of SORTS; anything else is by name."""
    if sort == "status":
        ranks = [When(status=status, then=Value(rank)) for rank, status in enumerate(ATTENTION)]
        return nodes.order_by(Case(*ranks, output_field=IntegerField()), "name")
    if sort == "-created":
        return nodes.order_by("-created_at", "-pk")
    if sort == "-changed":
        return with_last_change(nodes).order_by(F("changed_at").desc(nulls_last=True), "name")
    return nodes.order_by("name")


def with_last_change(nodes: QuerySet) -> QuerySet:
    """Adds `changed_at`, when something last happened to the node."""
    newest = WorkerEvent.objects.filter(worker=OuterRef("pk")).order_by("-at").values("at")[:1]
    return nodes.annotate(changed_at=Subquery(newest))


# Verbs ----------------------------------------------------------------------------------------------------------------

PAUSABLE = Q(status__in=MAY_PAUSE)
RESUMABLE = Q(status=S.PAUSED)
# Also one that is paused but has not finished what it runs: of others there would be nothing to tell.
STOPPABLE = PAUSABLE | RESUMABLE & Q(Exists(Lease.objects.filter(BEFORE_UPLOAD, worker=OuterRef("pk"))))


@transaction.atomic
def pause_all(nodes: QuerySet, *, at_once: bool, now: datetime, actor=None) -> int:
    """Pause those of the nodes that may be paused; returns how many. `at_once`: as workers.nodes.stop_worker."""
    workers = _locked(nodes, STOPPABLE if at_once else PAUSABLE)
    ids = [worker.pk for worker in workers]
    move_all(Worker.objects.filter(pk__in=ids), S.PAUSED, moves=WORKER_MOVES)
    events.record_all(dict.fromkeys(workers, ""), "stopped" if at_once else "paused", now=now, actor=actor)
    held, reason = (BEFORE_UPLOAD, ReturnReason.PAUSED) if at_once else (UNSTARTED, ReturnReason.DRAINED)
    return_leases(held & Q(worker__in=ids), reason, now=now, limit=PLACES_MAX)
    return len(ids)


@transaction.atomic
def resume_all(nodes: QuerySet, *, now: datetime, actor=None) -> int:
    """Resume those of the nodes that are paused; returns how many."""
    workers = _locked(nodes, RESUMABLE)
    paused = Worker.objects.filter(pk__in=[worker.pk for worker in workers], status=S.PAUSED)
    move_all(paused.filter(connected_at=None), S.OFFLINE, moves=WORKER_MOVES)
    move_all(paused, S.ONLINE, moves=WORKER_MOVES)
    events.record_all(dict.fromkeys(workers, ""), "resumed", now=now, actor=actor)
    nudge_on_commit()
    return len(workers)


def _locked(nodes: QuerySet, fits: Q) -> list[Worker]:
    ids = list(nodes.order_by().values_list("pk", flat=True))
    rows = Worker.objects.select_for_update(no_key=True).filter(fits, pk__in=ids)
    return list(rows.order_by("pk"))
