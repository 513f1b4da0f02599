"""One true line for every waiting job and every idle node, and who works on what."""

import json
from datetime import timedelta

import pytest

from common import realtime
from common.lately import Lately
from tests.workers.builders import NOW, enqueue, feed, lease, user, worker
from workers import services, telemetry

pytestmark = pytest.mark.django_db


class WaitingReasonTests:
    def test_nothing_waits(self):
        assert services.waiting_reason("toy", 1) is None

    def test_no_node(self):
        enqueue(1)
        assert services.waiting_reason("toy", 1) == "No node is online."

    def test_held(self):
        enqueue(1)
        services.hold_group("toy", 1, True)
        assert services.waiting_reason("toy", 1) == "Held back while its job is paused."

    def test_no_node_fits(self):
        worker()
        enqueue(1, device="gpu")
        assert services.waiting_reason("toy", 1) == "It needs a GPU; 1 node online, none fits."

    def test_all_busy_and_others_ahead(self):
        worker()
        enqueue(1, 2, 3, group=1, priority=1)
        enqueue(9, group=2)
        feed()
        assert services.waiting_reason("toy", 2) == "1 fitting node online, all busy, 1 task ahead."

    def test_what_comes_first_is_counted_by_priority_deadline_and_order(self):
        worker()
        enqueue(1, group=5, work={"needed_by_at": NOW + timedelta(hours=1)})
        enqueue(2, 3, group=6, work={"needed_by_at": NOW + timedelta(hours=2)})
        enqueue(4, group=7, priority=1)
        enqueue(5, 6, group=8)
        enqueue(7, group=9, owner_id=2)
        assert "all busy, 2 tasks ahead" in services.waiting_reason("toy", 6)
        assert services.waiting_reason("toy", 8).endswith("4 tasks ahead, taking turns with 1 other creator.")

    def test_a_node_of_ones_own_is_told_apart_from_others_alike(self):
        owner = user()
        worker(), worker(owner=owner)
        enqueue(1, owner_only=owner.pk)
        enqueue(2, group=2, owner_only=user().pk)
        assert services.waiting_reason("toy", 1) == "A node is free; the work starts in a moment."
        assert services.waiting_reason("toy", 2) == "It needs a node of its own creator; 2 nodes online, none fits."


class IdleReasonTests:
    @pytest.mark.parametrize("status", ["new", "offline", "paused", "draining", "suspended", "retired"])
    def test_each_status_says_its_own(self, status):
        assert services.idle_reason(worker(status=status))

    def test_a_busy_node_has_no_reason(self):
        node = worker()
        enqueue(1)
        feed()
        assert services.idle_reason(node) == ""

    def test_of_a_long_queue_it_is_a_moment_old(self, monkeypatch):
        monkeypatch.setattr("workers.explain.FEW", 0)
        monkeypatch.setattr("workers.explain.groups_of_late", Lately())
        node = worker()
        enqueue(1, device="gpu")
        before = services.idle_reason(node)
        enqueue(2, group=2)
        assert services.idle_reason(node) == before
        monkeypatch.setattr("workers.explain.groups_of_late", Lately())
        assert services.idle_reason(node) != before


class NodesAtWorkTests:
    def test_rows_say_who_does_what_and_how_far(self):
        node = worker(name="atelier")
        enqueue(1, 2)
        feed()
        realtime.connection().set(telemetry.progress_key(lease(1).work_id), json.dumps([0.62, "sample 15 of 24"]))
        first, second = services.nodes_at_work("toy", 1)
        assert (first.worker_name, first.worker_id, first.reference) == ("atelier", node.pk, 1)
        assert (first.fraction, first.note) == (0.62, "sample 15 of 24")
        assert (second.reference, second.place) == (2, 1)
