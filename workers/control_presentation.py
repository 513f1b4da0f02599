"""What the settings page of a node says beside its forms: how it stands, its maintenance, what is left of its earnings."""

from datetime import datetime, timedelta

from pictor_agent import protocol
from workers import control_words, fleet_figures, resting, team_presentation
from workers.control_models import Controls, Maintenance, controls_of
from workers.energy import Net
from workers.models import Worker

NET_DAYS = 30


def settings_page(worker: Worker, *, now: datetime) -> dict:
    controls = controls_of(worker)
    maintenance = Maintenance.objects.filter(worker=worker, ended_at=None, until_at__gt=now).first()
    closed = control_words.closed_line(worker.closed_by, worker.hours_change_at, controls.time_zone, now=now)
    return {
        "worker": worker,
        "changed_at": controls.changed_at,
        "zone": controls.time_zone,
        "week": control_words.week_words(controls.week),
        "stands": closed or resting.line_of(worker.resting) or _open_words(worker, controls, now),
        "is_open": not closed and not worker.resting,
        "obeys_limits": worker.protocol >= protocol.LIMITS_SINCE,
        "maintenance": maintenance,
        "maintenance_words": maintenance and _window_words(maintenance, controls, now),
        "net": net_of(worker, controls, now=now),
        "net_days": NET_DAYS,
        "team": team_presentation.named_by(worker.owner_id, controls.team_emails),
    }


def _open_words(worker: Worker, controls: Controls, now: datetime) -> str:
    if worker.hours_change_at is None:
        return "Open for work at any time."
    return f"Open for work until {control_words.day_and_time(worker.hours_change_at, controls.time_zone, now=now)}."


def _window_words(row: Maintenance, controls: Controls, now: datetime) -> str:
    begins, ends = (control_words.day_and_time(moment, controls.time_zone, now=now) for moment in row.window)
    return f"{begins} until {ends}"


def announced_words(row: Maintenance) -> str:
    if row.is_neutral:
        return "Announced. More than a day ahead, so it says nothing of the node's reliability."
    return "Announced. Less than a day ahead, so it counts as time away."


def net_of(worker: Worker, controls: Controls, *, now: datetime) -> Net | None:
    """The last NET_DAYS days; None until its owner has said what power costs and how much the machine draws."""
    return fleet_figures.nets_of([controls], since=now - timedelta(days=NET_DAYS), now=now).get(worker.pk)
