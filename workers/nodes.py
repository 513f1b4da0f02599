"""Nodes as people act on them: created, located, trusted, paused, suspended, retired; signed on and off in workers.shifts.

Statuses of workers move in these two modules and, many at once, in workers.fleet. Locks: the owner (workers.teams.lock) for a new node; else the worker row (without its key, so that leases may refer to
it), then what workers.leases locks.
"""

import itertools
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from common.transitions import IllegalMove, move
from workers import deliveries, events, standing, teams
from workers.enrolments import revoke_enrolments
from workers.leases import UNSTARTED, return_leases
from workers.models import Worker
from workers.nudges import nudge_on_commit
from workers.places import name_of
from workers.shifts import end_shift
from workers.states import WORKER_MOVES, ReturnReason, WorkerStatus

S = WorkerStatus
NODES_PER_OWNER_MAX = 1_000
BEFORE_UPLOAD = Q(place__isnull=False)  # what runs or is next; a finished picture that is on its way is kept and paid


class NameTaken(Exception):
    """The owner has a node of this name already."""


class TooManyNodes(Exception):
    """The owner has as many nodes as one account may have."""


@transaction.atomic
def create_worker(owner, name: str, *, now: datetime) -> Worker:
    """A new node of `owner`, which has never connected.

    Raises:
        NameTaken, TooManyNodes
    """
    teams.lock(owner.pk)  # of two at once the second counts the first
    if Worker.objects.owned_by(owner).count() >= NODES_PER_OWNER_MAX:
        raise TooManyNodes
    try:
        with transaction.atomic():
            worker = Worker.objects.create(owner=owner, name=name)
    except IntegrityError:
        raise NameTaken from None
    events.record(worker, "created", now=now, actor=owner)
    return worker


def free_name(owner) -> str:
    """For a node whose owner has no name in mind."""
    taken = set(Worker.objects.owned_by(owner).values_list("name", flat=True))
    return next(name for number in itertools.count(1) if (name := f"node-{number}") not in taken)


@transaction.atomic
def locate_worker(worker: Worker, country: str, *, now: datetime, actor=None) -> None:
    """Set where the node stands (a key of workers.places.COUNTRIES, or empty)."""
    if Worker.objects.filter(pk=worker.pk).exclude(country=country).update(country=country):
        events.record(worker, "located", now=now, detail=name_of(country), actor=actor)
        nudge_on_commit()


@transaction.atomic
def trust_worker(worker: Worker, *, trusted: bool, now: datetime, actor=None) -> None:
    """An operator lets the node have scenes that are kept to trusted nodes, or no longer."""
    if Worker.objects.filter(pk=worker.pk).exclude(trusted=trusted).update(trusted=trusted):
        events.record(worker, "trusted" if trusted else "distrusted", now=now, actor=actor)
        standing.keep(now=now, worker_ids=[worker.pk])
        nudge_on_commit()


@transaction.atomic
def pause_worker(worker: Worker, *, now: datetime, actor=None) -> None:
    """No further work; what runs is finished, what is merely next goes back."""
    move(worker, S.PAUSED, moves=WORKER_MOVES)
    events.record(worker, "paused", now=now, actor=actor)
    return_leases(UNSTARTED & Q(worker=worker), ReturnReason.DRAINED, now=now)


@transaction.atomic
def stop_worker(worker: Worker, *, now: datetime, actor=None) -> None:
    """Pause at once: what runs goes back to the queue, unpaid, and its creator pays nothing for it. Also a node that is pausing."""
    was_paused = worker.status == S.PAUSED
    if not was_paused:
        move(worker, S.PAUSED, moves=WORKER_MOVES)
    returned = return_leases(BEFORE_UPLOAD & Q(worker=worker), ReturnReason.PAUSED, now=now)
    if returned or not was_paused:
        events.record(worker, "stopped", now=now, actor=actor)


@transaction.atomic
def resume_worker(worker: Worker, *, now: datetime, actor=None) -> None:
    """End a pause.

    Raises:
        IllegalMove: the node is not paused; a suspension is lifted by an operator alone.
    """
    if worker.status != S.PAUSED:
        raise IllegalMove(f"{worker!r} is not paused")
    _let_work(worker, now=now, actor=actor)


@transaction.atomic
def reinstate_worker(worker: Worker, *, now: datetime, actor=None) -> None:
    """By an operator: end a suspension."""
    if worker.status != S.SUSPENDED:
        raise IllegalMove(f"{worker!r} is not suspended")
    _let_work(worker, now=now, actor=actor)


def _let_work(worker: Worker, *, now: datetime, actor) -> None:
    move(worker, S.ONLINE if worker.connected_at else S.OFFLINE, moves=WORKER_MOVES)
    events.record(worker, "resumed", now=now, actor=actor)
    nudge_on_commit()


@transaction.atomic
def suspend_worker(worker: Worker, *, now: datetime, actor=None, why: str = "") -> None:
    """By an operator: the node loses its socket and its work."""
    _stop_for_good(worker, S.SUSPENDED, "suspended", why or "An operator suspended this node.", now=now, actor=actor)


@transaction.atomic
def retire_worker(worker: Worker, *, now: datetime, actor=None) -> None:
    """For good: its key and its configuration files open nothing any more; its history stays."""
    revoke_enrolments(worker, now=now)
    _stop_for_good(worker, S.RETIRED, "retired", "This node was retired by its owner.", now=now, actor=actor)


def _stop_for_good(worker: Worker, status: WorkerStatus, code: str, words: str, *, now: datetime, actor) -> None:
    deliveries.refuse_on_commit(worker, gateway_id=worker.gateway_id, epoch=0, code=code, words=words)
    move(worker, status, moves=WORKER_MOVES, connected_at=None, gateway_id="")
    events.record(worker, code, now=now, actor=actor)
    end_shift(worker.pk, now)
    return_leases(Q(worker=worker), ReturnReason.NODE_GONE, now=now)
