"""What an owner allows a node: changed here alone, with what follows at once; hours follow the clock by a sweep.

Locks: the worker row (without its key, so that leases may refer to it), then what workers.teams locks, then maintenance, then
what workers.leases locks.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from workers import control_words, events, teams
from workers.control_models import Controls, Maintenance, controls_of
from workers.counting import counted_gpus
from workers.hours import Hours, Window, hours_at
from workers.leases import UNSTARTED, return_leases
from workers.models import Worker
from workers.nudges import nudge_on_commit
from workers.serving import slots_of
from workers.states import ReturnReason, WorkerStatus

SUBJECTS = {  # kind of event -> the columns it is about
    "schedule": ("time_zone", "opens_minutes", "closes_minutes"),
    "limits": (
        "idle_minutes",
        "temperature_max_celsius",
        "power_max_watts",
        "slots_per_gpu",
        "slots_cpu",
        "disk_quota_bytes",
        "bandwidth_max_mbit",
    ),
    "service": ("serves", "team_emails", "accepts_render", "accepts_check", "accepts_rent"),
    "alerts": ("offline_minutes",),
    "updates": ("updates_itself", "release_allowed"),
    "prices": ("gpu_hour_micros", "vram_share_bp_min", "kwh_micros", "busy_watts", "idle_watts"),
}
BATCH = 500  # nodes of one run of the sweep


class MaintenanceAnnounced(Exception):
    """The node has a maintenance window that is not over."""


@transaction.atomic
def set_controls(worker: Worker, *, now: datetime, actor=None, **values) -> list[str]:
    """Change columns of workers.models.Controls; returns the subjects that changed. What runs is finished as it began.

    Raises:
        TooManyNamed: more people in teams than one owner may name.
    """
    worker = _locked(worker.pk)
    teams.lock(worker.owner_id)
    controls = controls_of(worker)
    changed = [name for name, value in values.items() if getattr(controls, name) != value]
    if not changed:
        return []
    for name in changed:
        setattr(controls, name, values[name])
    controls.changed_at = now
    controls.save()
    if "team_emails" in changed:
        teams.keep(worker.owner, now=now)
    subjects = [kind for kind, columns in SUBJECTS.items() if set(columns) & set(changed)]
    for kind in subjects:
        events.record(worker, kind, now=now, detail=_detail(kind, controls), actor=actor)
    _follow(worker, subjects, now=now)
    return subjects


def _detail(kind: str, controls: Controls) -> str:
    return control_words.week_words(controls.week) if kind == "schedule" else ""


def _follow(worker: Worker, subjects: Iterable[str], *, now: datetime) -> None:
    if "limits" in subjects:
        keep_slots(worker)
    if "schedule" in subjects:
        _keep_hours(worker, now=now)
    if {"limits", "service"} & set(subjects):  # what is next may fit no longer; whatever does comes back at once
        return_leases(UNSTARTED & Q(worker=worker), ReturnReason.DRAINED, now=now)
    nudge_on_commit()


def _locked(worker_id: int) -> Worker:
    return Worker.objects.select_for_update(no_key=True).get(pk=worker_id)


def keep_slots(worker: Worker) -> None:
    """How many tasks at a time follows from the controls and its GPUs; without controls it stays as it is.

    Locks: call it with the worker row locked.
    """
    controls = Controls.objects.filter(worker=worker).first()
    if controls:
        gpus = len(counted_gpus(Worker.objects.get(pk=worker.pk)))
        slots = slots_of(controls.slots_per_gpu, controls.slots_cpu, gpus)
        Worker.objects.filter(pk=worker.pk).exclude(slots=slots).update(slots=slots)


# Hours ----------------------------------------------------------------------------------------------------------------


def keep_all_hours(*, now: datetime, limit: int = BATCH) -> int:
    """Nodes whose hours change by now, each in a transaction of its own; returns how many."""
    due = Worker.objects.exclude(status=WorkerStatus.RETIRED).filter(hours_change_at__lte=now).order_by("hours_change_at")
    ids = list(due.values_list("pk", flat=True)[:limit])
    for worker_id in ids:
        with transaction.atomic():
            _keep_hours(_locked(worker_id), now=now)
    return len(ids)


def _keep_hours(worker: Worker, *, now: datetime) -> None:
    """The node is open or closed as its week and its maintenance say at `now`."""
    window = _window_at(worker, now)
    hours = hours_at(now, controls_of(worker).week, window)
    Worker.objects.filter(pk=worker.pk).update(closed_by=hours.closed_by, hours_change_at=hours.change_at)
    if hours.closed_by != worker.closed_by:
        _tell_hours(worker, hours, now=now)
    if hours.closed_by:
        return_leases(UNSTARTED & Q(worker=worker), ReturnReason.DRAINED, now=now)
    else:
        nudge_on_commit()


def _window_at(worker: Worker, now: datetime) -> Window | None:
    """The maintenance that is under way or ahead; one that is over is ended."""
    Maintenance.objects.filter(worker=worker, ended_at=None, until_at__lte=now).update(ended_at=now)
    maintenance = Maintenance.objects.filter(worker=worker, ended_at=None).first()
    return maintenance and maintenance.window


def _tell_hours(worker: Worker, hours: Hours, *, now: datetime) -> None:
    """Its pages follow; its history tells of it only while that makes a difference."""
    if worker.status != WorkerStatus.ONLINE:
        return events.announce_status(worker)
    zone = controls_of(worker).time_zone
    detail = control_words.closed_line(hours.closed_by, hours.change_at, zone, now=now)
    events.record(worker, "closed" if hours.closed_by else "opened", now=now, detail=detail)


# Maintenance ----------------------------------------------------------------------------------------------------------


@transaction.atomic
def announce_maintenance(worker: Worker, window: Window, *, now: datetime, actor=None) -> Maintenance:
    """The node gets no new work in this time; announced a day before it says nothing of its reliability.

    Raises:
        MaintenanceAnnounced: another window is not over.
    """
    worker = _locked(worker.pk)
    _window_at(worker, now)
    if Maintenance.objects.filter(worker=worker, ended_at=None).exists():
        raise MaintenanceAnnounced
    row = Maintenance.objects.create(worker=worker, from_at=window.from_at, until_at=window.until_at, announced_at=now)
    zone = controls_of(worker).time_zone
    begins, ends = (control_words.day_and_time(moment, zone, now=now) for moment in window)
    events.record(worker, "maintenance", now=now, detail=f"{begins} to {ends}", actor=actor)
    _keep_hours(worker, now=now)
    return row


@transaction.atomic
def end_maintenance(worker: Worker, *, now: datetime, actor=None) -> bool:
    """Call the window off, or end it early; False when there is none."""
    worker = _locked(worker.pk)
    if not Maintenance.objects.filter(worker=worker, ended_at=None).update(ended_at=now):
        return False
    events.record(worker, "maintenance-ended", now=now, actor=actor)
    _keep_hours(worker, now=now)
    return True
