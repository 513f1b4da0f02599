"""An owner's controls: kept within bounds, followed at once, and by the clock when the hint of a change is nobody's."""

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from tests.workers.builders import NOW, enqueue, feed, inventory, worker
from workers import background, closing, controls, events, services
from workers.control_models import Controls, controls_of
from workers.hours import Window
from workers.models import Gpu, Lease, Maintenance, Worker

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
NIGHTS = {"opens_minutes": [18 * 60] * 7, "closes_minutes": [8 * 60] * 7}  # NOW is a Sunday at 12:00 UTC


def again(node: Worker) -> Worker:
    return Worker.objects.select_related("controls").get(pk=node.pk)


def kinds(node: Worker) -> list[str]:
    return list(node.events.order_by("id").values_list("kind", flat=True))


class BoundsTests:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"opens_minutes": [0] * 6},
            {"opens_minutes": [1_440] * 7},
            {"closes_minutes": [-1] + [0] * 6},
            {"closes_minutes": [1_441] * 7},
            {"idle_minutes": 1_441},
            {"temperature_max_celsius": 39},
            {"power_max_watts": 29},
            {"slots_per_gpu": 0},
            {"slots_cpu": 65},
            {"disk_quota_bytes": 1},
            {"bandwidth_max_mbit": 0},
            {"serves": "friends"},
            {"team_ids": list(range(51))},
            {"team_emails": [f"p{number}@example.net" for number in range(51)]},
            {"accepts_render": False, "accepts_check": False},
            {"accepts_rent": True},
            {"gpu_hour_micros": 0},
            {"vram_share_bp_min": 0},
            {"kwh_micros": -1},
        ],
        ids=lambda wrong: "-".join(wrong),
    )
    def test_the_database_refuses_what_makes_no_sense(self, wrong):
        node = worker()
        with pytest.raises(IntegrityError), transaction.atomic():
            Controls.objects.create(worker=node, **wrong)

    def test_the_defaults_are_allowed(self):
        Controls.objects.create(worker=worker())

    def test_a_node_has_one_maintenance_window_at_a_time(self):
        node = worker()
        row = {"worker": node, "from_at": NOW, "until_at": NOW + HOUR, "announced_at": NOW}
        Maintenance.objects.create(**row)
        with pytest.raises(IntegrityError), transaction.atomic():
            Maintenance.objects.create(**row)

    def test_maintenance_ends_after_it_begins(self):
        with pytest.raises(IntegrityError), transaction.atomic():
            Maintenance.objects.create(worker=worker(), from_at=NOW, until_at=NOW, announced_at=NOW)


class SetControlsTests:
    def test_each_subject_that_changes_is_an_event(self, wanda):
        node = worker(owner=wanda)
        assert services.set_controls(node, now=NOW, actor=wanda, idle_minutes=10, kwh_micros=300_000) == ["limits", "prices"]
        assert kinds(node) == ["limits", "prices"]
        assert node.events.first().actor == wanda

    def test_saving_the_same_again_is_no_event(self):
        node = worker()
        services.set_controls(node, now=NOW, idle_minutes=10)
        assert services.set_controls(node, now=NOW, idle_minutes=10) == []
        assert kinds(node) == ["limits"]

    def test_what_runs_goes_on_and_what_is_next_comes_back_to_be_looked_at_again(self):
        node = worker()
        enqueue(1, 2)
        feed()
        services.set_controls(node, now=NOW, idle_minutes=10)
        assert list(Lease.objects.values_list("work__reference", "place")) == [(1, 0)]

    def test_its_pages_are_told(self, django_capture_on_commit_callbacks):
        node = worker()
        with django_capture_on_commit_callbacks() as told:
            services.set_controls(node, now=NOW, idle_minutes=10)
        assert told


class SlotTests:
    @pytest.mark.parametrize(
        ("gpus", "device", "allowed", "slots"),
        [
            (2, "CUDA", {"slots_per_gpu": 3}, 6),
            (2, "CUDA", {"slots_cpu": 4}, 1),
            (0, "CPU", {"slots_cpu": 4}, 4),
            (1, "CPU", {"slots_per_gpu": 3, "slots_cpu": 2}, 2),  # Blender cannot use it
        ],
    )
    def test_tasks_at_a_time_follow_from_the_gpus(self, gpus, device, allowed, slots):
        node = worker(device=device)
        for index in range(gpus):
            Gpu.objects.create(worker=node, index=index, model="RTX 4090", vram_bytes=1)
        services.set_controls(node, now=NOW, **allowed)
        assert again(node).slots == slots

    def test_a_node_that_signs_on_with_other_gpus_has_other_slots(self):
        node = worker(device="CUDA")
        services.set_controls(node, now=NOW, slots_cpu=3)
        admission = services.Admission(node.pk, node.name, 1)
        services.sign_on(admission, inventory=inventory(device="CPU"), holding=[], version="1", now=NOW)
        assert again(node).slots == 3

    def test_as_many_tasks_run_as_there_are_slots(self):
        node = worker(device="CPU")
        services.set_controls(node, now=NOW, slots_cpu=2)
        enqueue(*range(1, 10))
        assert feed() == 4
        assert Lease.objects.filter(place=0).count() == 2


class ScheduleTests:
    def test_a_closed_node_gets_no_work(self):
        node = worker()
        services.set_controls(node, now=NOW, **NIGHTS)
        enqueue(1)
        assert feed() == 0
        assert again(node).closed_by == "schedule"

    def test_its_line_says_when_it_opens(self):
        node = worker()
        services.set_controls(node, now=NOW, time_zone="Europe/Berlin", **NIGHTS)
        assert services.idle_reason(again(node)).startswith("Its schedule opens it on ")
        assert "at 18:00 (Europe/Berlin)" in services.idle_reason(again(node))

    def test_what_runs_when_it_closes_is_finished_and_what_is_next_goes_back(self):
        worker_ = worker()
        enqueue(1, 2)
        feed()
        services.set_controls(worker_, now=NOW, **NIGHTS)
        assert list(Lease.objects.values_list("work__reference", flat=True)) == [1]

    def test_it_opens_and_closes_by_the_sweep(self, monkeypatch):
        node = worker()
        services.set_controls(node, now=NOW, **NIGHTS)
        enqueue(1)
        for hours, closed_by in ((5, "schedule"), (6, ""), (19, ""), (20, "schedule")):
            monkeypatch.setattr("common.clock.now", lambda hours=hours: NOW + hours * HOUR)
            background.sweep_hours()
            assert again(node).closed_by == closed_by, hours
        assert kinds(node) == ["schedule", "closed", "opened", "closed"]
        assert again(node).hours_change_at == NOW + 30 * HOUR

    def test_an_open_node_takes_what_waits(self):
        node = worker()
        services.set_controls(node, now=NOW, **NIGHTS)
        enqueue(1)
        controls.keep_all_hours(now=NOW + 6 * HOUR)
        assert feed() == 1

    def test_the_history_of_a_node_that_is_offline_is_not_filled(self):
        node = worker(status="offline", connected_at=None)
        services.set_controls(node, now=NOW, **NIGHTS)
        controls.keep_all_hours(now=NOW + 6 * HOUR)
        assert kinds(node) == ["schedule"]

    def test_nobody_is_looked_at_whose_hours_never_change(self):
        worker()
        assert controls.keep_all_hours(now=NOW + 1_000 * HOUR) == 0

    def test_many_changes_at_once_are_taken_in_parts(self):
        for _ in range(3):
            services.set_controls(worker(), now=NOW, **NIGHTS)
        late = NOW + 7 * HOUR
        assert [controls.keep_all_hours(now=late, limit=2) for _ in range(3)] == [2, 1, 0]


class MaintenanceTests:
    WINDOW = Window(NOW + 30 * HOUR, NOW + 32 * HOUR)

    def test_it_closes_the_node_for_its_time(self):
        node = worker()
        row = services.announce_maintenance(node, self.WINDOW, now=NOW)
        assert row.is_neutral
        for hours, closed_by in ((29, ""), (30, "maintenance"), (31, "maintenance"), (32, "")):
            controls.keep_all_hours(now=NOW + hours * HOUR)
            assert again(node).closed_by == closed_by, hours
        row.refresh_from_db()
        assert row.ended_at == self.WINDOW.until_at
        assert again(node).hours_change_at is None

    def test_late_notice_is_not_neutral(self):
        soon = Window(NOW + HOUR, NOW + 2 * HOUR)
        assert not services.announce_maintenance(worker(), soon, now=NOW).is_neutral

    def test_one_that_began_already_closes_at_once(self):
        node = worker()
        enqueue(1)
        services.announce_maintenance(node, Window(NOW, NOW + HOUR), now=NOW)
        assert feed() == 0
        assert "In maintenance until Sunday at 13:00 (UTC)." in services.idle_reason(again(node))

    def test_a_second_window_waits_until_the_first_is_over(self):
        node = worker()
        services.announce_maintenance(node, self.WINDOW, now=NOW)
        with pytest.raises(controls.MaintenanceAnnounced):
            services.announce_maintenance(node, self.WINDOW, now=NOW)
        services.announce_maintenance(node, Window(NOW + 40 * HOUR, NOW + 41 * HOUR), now=NOW + 33 * HOUR)

    def test_it_can_be_called_off(self):
        node = worker()
        services.announce_maintenance(node, Window(NOW, NOW + HOUR), now=NOW)
        assert services.end_maintenance(node, now=NOW)
        assert not services.end_maintenance(node, now=NOW)
        assert again(node).closed_by == ""
        assert kinds(node) == ["maintenance", "closed", "maintenance-ended", "opened"]


def test_a_node_without_a_row_has_the_defaults(django_assert_num_queries):
    worker()
    node = Worker.objects.select_related("controls").get()
    with django_assert_num_queries(0):
        assert controls_of(node).week == Controls().week


def test_they_are_among_the_data_that_a_person_takes_along(wanda, alice):
    node = worker(owner=wanda)
    services.set_controls(node, now=NOW, serves="team_first", team_emails=[alice.email], kwh_micros=300_000)
    [said] = json.loads(json.dumps(closing.data(wanda)))["nodes"]
    assert (said["name"], said["settings"]["kwh_micros"]) == (node.name, 300_000)
    assert said["settings"]["team_emails"] == [alice.email]
    [asked] = json.loads(json.dumps(closing.data(alice)))["teams"]
    assert (asked["of"], asked["status"], asked["answered_at"]) == (wanda.name, "invited", None)


def test_every_subject_has_words_in_the_history():
    assert set(controls.SUBJECTS) <= set(events.KINDS)


def test_every_column_belongs_to_one_subject():
    columns = [name for names in controls.SUBJECTS.values() for name in names]
    assert sorted(columns) == sorted({field.name for field in Controls._meta.fields} - {"worker", "changed_at", "team_ids"})
