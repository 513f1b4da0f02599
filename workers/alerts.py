"""Owners are told when a node went away unexpectedly, once its grace is over, and once more when it is back.

What is no surprise tells nobody: a clean goodbye, a pause, a node that was finishing; and while the node's hours or its
maintenance keep it closed, or the network itself was away, the grace begins anew. The grace is the one that the owner wants
now, not at the loss; never: nobody is told, of a return neither. Nodes of one owner that are due at about
the same time are told together. A sweep alone runs this; two at once tell nothing twice.

Locks: the alerts of one owner, when they are told.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import DateTimeField, Exists, ExpressionWrapper, F, OuterRef, Q, Value
from django.db.models.functions import Greatest

from workers import notices, outages
from workers.control_models import controls_of
from workers.models import OfflineAlert, Shift, Worker
from workers.states import WorkerStatus

LOOK_BACK = timedelta(days=1)  # a loss that no sweep noticed for so long is no news
TOGETHER = timedelta(minutes=2)  # a power cut takes the nodes of a room within seconds, and sweeps are a minute apart
BATCH = 2_000  # new alerts of one run
OWNERS = 500  # told in one run

AWAY = Q(worker__connected_at=None, worker__status=WorkerStatus.OFFLINE)
WANTED = Q(worker__controls=None) | Q(worker__controls__offline_minutes__isnull=False)
UNTOLD = Q(told_at=None)
MISSED = Q(told_at__isnull=False, back_at=None)


def keep(*, now: datetime) -> int:
    """One run; returns how many nodes somebody was told of."""
    _begin(now)
    _forget()
    _follow_owners()
    _wait_on(now)
    away = UNTOLD & AWAY
    told = _each_owner(away & Q(due_at__lte=now), lambda owner_id: _tell_away(owner_id, now))
    return told + _each_owner(MISSED & Q(worker__connected_at__isnull=False), lambda owner_id: _tell_back(owner_id, now))


def _begin(now: datetime) -> None:
    """A row for each node whose last shift was lost, and whose owner wants to know."""
    later = Shift.objects.filter(worker=OuterRef("worker"), started_at__gt=OuterRef("started_at"))
    lost = Shift.objects.filter(AWAY, WANTED, ~Exists(later), lost=True, ended_at__gt=now - LOOK_BACK, alert=None)
    rows = []
    for shift in lost.select_related("worker__controls").order_by("ended_at")[:BATCH]:
        grace = _grace(shift.worker)
        rows.append(OfflineAlert(shift=shift, worker=shift.worker, grace=grace, due_at=shift.ended_at + grace))
    OfflineAlert.objects.bulk_create(rows, ignore_conflicts=True)


def _grace(worker: Worker) -> timedelta:
    """How long an owner who wants to know waits now."""
    return timedelta(minutes=controls_of(worker).offline_minutes or 0)


def _forget() -> None:
    """Back before anybody was told, be it for a moment; paused or retired; or nobody wants to know any more."""
    OfflineAlert.objects.filter(UNTOLD).exclude(AWAY & WANTED).delete()
    later = Shift.objects.filter(worker=OuterRef("worker"), started_at__gt=OuterRef("shift__started_at"))
    OfflineAlert.objects.filter(UNTOLD, Exists(later)).delete()


def _follow_owners() -> None:
    """Who wants another grace while the node is away gets it."""
    changed = []
    for alert in OfflineAlert.objects.filter(UNTOLD, WANTED).select_related("worker__controls"):
        grace = _grace(alert.worker)
        if grace != alert.grace:
            alert.due_at, alert.grace = alert.due_at + grace - alert.grace, grace
            changed.append(alert)
    OfflineAlert.objects.bulk_update(changed, ["due_at", "grace"], batch_size=BATCH)


def _wait_on(now: datetime) -> None:
    """The grace begins anew for nodes that are closed, and for those that an outage of the network took while it lasts."""
    untold = OfflineAlert.objects.filter(UNTOLD)
    taken = outages.taken(set(untold.values_list("worker", flat=True)), now)
    waits = untold.filter(Q(worker__in=taken) | Q(worker__in=Worker.objects.exclude(closed_by="")))
    since_now = ExpressionWrapper(Value(now) + F("grace"), output_field=DateTimeField())
    waits.update(due_at=Greatest(F("due_at"), since_now))


def _each_owner(due: Q, tell: Callable[[int], int]) -> int:
    owners = OfflineAlert.objects.filter(due).values_list("worker__owner", flat=True).order_by("worker__owner").distinct()
    return sum(tell(owner_id) for owner_id in list(owners[:OWNERS]))


@transaction.atomic
def _tell_away(owner_id: int, now: datetime) -> int:
    alerts = _locked(UNTOLD & AWAY & Q(worker__owner=owner_id, due_at__lte=now + TOGETHER))
    if alerts:
        again = OfflineAlert.objects.filter(MISSED, worker__in=[alert.worker_id for alert in alerts])
        again.update(back_at=now)  # it was back for less than a sweep noticed
        OfflineAlert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(told_at=now)
        notices.nodes_away(alerts, now)
    return len(alerts)


@transaction.atomic
def _tell_back(owner_id: int, now: datetime) -> int:
    alerts = _locked(MISSED & Q(worker__owner=owner_id, worker__connected_at__isnull=False))
    OfflineAlert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(back_at=now)
    wanted = [alert for alert in alerts if controls_of(alert.worker).offline_minutes is not None]
    if wanted:
        notices.nodes_back(wanted, now)
    return len(wanted)


def _locked(which: Q) -> list[OfflineAlert]:
    """Whoever waited for the rows finds those gone that were told meanwhile."""
    rows = OfflineAlert.objects.filter(which).select_related("worker__owner", "worker__controls", "shift")
    return list(rows.order_by("worker__name").select_for_update(of=("self",)))
