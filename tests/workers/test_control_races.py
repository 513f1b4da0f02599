"""Owners in two tabs, and the sweep beside them: nothing that was saved is lost. Each failed without the lock of the node's row."""

from datetime import timedelta

import pytest

from tests.overlap import overlapped
from tests.workers.builders import NOW, worker
from workers import controls, services
from workers.hours import Window
from workers.models import Maintenance, Worker

pytestmark = pytest.mark.django_db(transaction=True)
NIGHTS = {"opens_minutes": [18 * 60] * 7, "closes_minutes": [8 * 60] * 7}
HOUR = timedelta(hours=1)


def test_what_two_tabs_save_at_once_is_both_kept():
    node = worker()
    services.set_controls(node, now=NOW, idle_minutes=1)
    overlapped(
        lambda: services.set_controls(node, now=NOW, kwh_micros=300_000),
        lambda: services.set_controls(node, now=NOW, idle_minutes=10),
    )
    saved = Worker.objects.select_related("controls").get(pk=node.pk).controls
    assert (saved.kwh_micros, saved.idle_minutes) == (300_000, 10)


def test_the_first_two_to_save_make_one_row():
    node = worker()
    outcome = overlapped(
        lambda: services.set_controls(node, now=NOW, kwh_micros=300_000),
        lambda: services.set_controls(node, now=NOW, idle_minutes=10),
    )
    assert outcome == ["limits"]


def test_the_sweep_does_not_undo_a_schedule_that_is_being_saved():
    node = worker()
    services.set_controls(node, now=NOW, **NIGHTS)
    late = NOW + 7 * HOUR
    overlapped(
        lambda: services.set_controls(node, now=late, opens_minutes=[0] * 7, closes_minutes=[60] * 7),
        lambda: controls.keep_all_hours(now=late),
    )
    assert Worker.objects.get(pk=node.pk).closed_by == "schedule"


def test_two_announcements_at_once_are_one():
    node = worker()
    window = Window(NOW + HOUR, NOW + 2 * HOUR)
    outcome = overlapped(
        lambda: services.announce_maintenance(node, window, now=NOW),
        lambda: services.announce_maintenance(node, window, now=NOW),
    )
    assert isinstance(outcome, services.MaintenanceAnnounced)
    assert Maintenance.objects.count() == 1
