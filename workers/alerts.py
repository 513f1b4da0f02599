"""Owners are told when a node went away unexpectedly, once its grace is over, and once more when it is back.

What is no surprise tells nobody: a clean goodbye, a pause, a node that was finishing; and while the node's hours or its
maintenance keep it closed, or the network itself was away, the grace begins anew. Nodes of one owner that are due at about
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
UNTOLD = Q(told_at=None)
MISSED = Q(told_at__isnull=False, back_at=None)


def keep(*, now: datetime) -> int:
    """One run; returns how many nodes somebody was told of."""
    _begin(now)
    _forget_returned()
    _wait_on(now)
    away = UNTOLD & AWAY
    told = _each_owner(away & Q(due_at__lte=now), lambda owner_id: _tell_away(owner_id, now))
    return told + _each_owner(MISSED & Q(worker__connected_at__isnull=False), lambda owner_id: _tell_back(owner_id, now))


def _begin(now: datetime) -> None:
    """A row for each node whose last shift was lost."""
    later = Shift.objects.filter(worker=OuterRef("worker"), started_at__gt=OuterRef("started_at"))
    lost = Shift.objects.filter(AWAY, ~Exists(later), lost=True, ended_at__gt=now - LOOK_BACK, alert=None)
    rows = []
    for shift in lost.select_related("worker__controls").order_by("ended_at")[:BATCH]:
        minutes = controls_of(shift.worker).offline_minutes
        if minutes is not None:
            grace = timedelta(minutes=minutes)
            rows.append(OfflineAlert(shift=shift, worker=shift.worker, grace=grace, due_at=shift.ended_at + grace))
    OfflineAlert.objects.bulk_create(rows, ignore_conflicts=True)


def _forget_returned() -> None:
    """Back before anybody was told, or paused or retired meanwhile: there is nothing to tell."""
    OfflineAlert.objects.filter(UNTOLD).exclude(AWAY).delete()


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
        OfflineAlert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(told_at=now)
        notices.nodes_away(alerts, now)
    return len(alerts)


@transaction.atomic
def _tell_back(owner_id: int, now: datetime) -> int:
    alerts = _locked(MISSED & Q(worker__owner=owner_id, worker__connected_at__isnull=False))
    if alerts:
        OfflineAlert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(back_at=now)
        notices.nodes_back(alerts, now)
    return len(alerts)


def _locked(which: Q) -> list[OfflineAlert]:
    """Whoever waited for the rows finds those gone that were told meanwhile."""
    rows = OfflineAlert.objects.filter(which).select_related("worker__owner", "shift").order_by("worker__name")
    return list(rows.select_for_update(of=("self",)))
