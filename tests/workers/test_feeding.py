"""Turns, nearness and learned fit over the real queue; what becomes of a lease whose place was taken."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection

from common import clock
from pictor_agent import protocol
from tests.workers.builders import NOW, enqueue, feed, lease, report, result, team_up, work, worker
from workers import misfits, services, waiting
from workers.models import Cached, Gpu, Lease, Misfit, Turn, Work, WorkerEvent
from workers.sharing import ECONOMY, PRIORITY, STANDARD
from workers.states import MisfitKind

pytestmark = pytest.mark.django_db

SCENE = {"affinity": "scene-a"}
GIB = 1024**3


def finish(holder: Lease) -> None:
    report(holder, protocol.Done, result=result())


def fail(holder: Lease, reason: str = "renderer_crashed") -> None:
    report(holder, protocol.Failed, reason=reason)


class TurnTests:
    def test_a_small_job_does_not_wait_behind_a_large_one(self):
        for _ in range(3):
            worker()
        enqueue(*range(1, 100), group=1, owner_id=1)
        enqueue(200, 201, group=2, owner_id=2)
        feed()
        assert Lease.objects.filter(work__owner_id=2).count() == 2

    def test_owners_hold_as_many_places_whoever_came_first(self):
        for _ in range(3):
            worker()
        for owner_id in (1, 2, 3):
            enqueue(*range(owner_id * 100, owner_id * 100 + 50), group=owner_id, owner_id=owner_id)
        feed()
        assert Counter(Lease.objects.values_list("work__owner_id", flat=True)) == {1: 2, 2: 2, 3: 2}

    def test_turns_go_on_where_the_last_run_left_them(self):
        """One node of two places and three owners: without a memory the first two would take turns for ever."""
        worker()
        for owner_id in (1, 2, 3):
            enqueue(*range(owner_id * 100, owner_id * 100 + 50), group=owner_id, owner_id=owner_id)
        feed()
        begun = Counter()
        for _ in range(12):
            running = Lease.objects.select_related("work").get(place=0)
            begun[running.work.owner_id] += 1
            finish(running)
            feed()
        assert begun == {1: 4, 2: 4, 3: 4}

    def test_economy_gets_a_tenth_even_of_one_node(self):
        worker()
        for tier in (ECONOMY, STANDARD, PRIORITY):
            enqueue(*range(tier * 100, tier * 100 + 60), group=tier, owner_id=tier + 1, work={"tier": tier})
        feed()
        begun = Counter()
        for _ in range(40):
            running = Lease.objects.select_related("work").get(place=0)
            begun[running.work.tier] += 1
            finish(running)
            feed()
        assert begun == {PRIORITY: 24, STANDARD: 12, ECONOMY: 4}

    def test_the_rounds_are_kept(self):
        worker()
        enqueue(1, 2)
        feed()
        assert Turn.objects.get(tier=STANDARD, owner_id=0).turns == 4
        assert Turn.objects.get(tier=STANDARD, owner_id=1).turns == 4

    def test_a_job_that_its_product_refuses_keeps_nobody_back(self, toy):
        worker()
        enqueue(1, 2, group=1, owner_id=1)
        enqueue(3, 4, group=2, owner_id=2)
        toy.refused |= {1, 2}
        assert feed() == 2
        assert {lease(3).place, lease(4).place} == {0, 1}

    def test_more_groups_than_are_read_at_once_come_up_all_the_same(self, monkeypatch):
        monkeypatch.setattr(waiting, "GROUPS_MAX", 2)
        for _ in range(5):
            worker()
        for owner_id in range(1, 11):
            enqueue(owner_id, group=owner_id, owner_id=owner_id)
        for second in range(200):
            services.feed_once(NOW + timedelta(seconds=second))
        assert Lease.objects.count() == 10

    def test_many_jobs_of_one_frame_are_given_out_in_one_run(self):
        for _ in range(30):
            worker()
        for number in range(1, 61):
            enqueue(number, group=number)
        assert services.feed_once(NOW) == 60

    def test_a_requeued_frame_takes_its_old_place(self):
        worker()
        enqueue(*range(1, 10))
        feed()
        services.withdraw("toy", [1])
        services.enqueue("toy", [services.NewWork(1, 1, 1, {}, sort=1, attempts=1)])
        feed()
        finish(lease(2))
        feed()
        assert lease(1).attempt == 2

    def test_the_feeder_takes_few_statements_however_much_waits(self, django_assert_max_num_queries):
        for _ in range(10):
            worker()
        for group in range(1, 30):
            enqueue(*range(group * 100, group * 100 + 20), group=group, owner_id=group % 5 + 1, work=SCENE)
        with django_assert_max_num_queries(22):
            assert services.feed_once(NOW) == 20


class OrderOfServiceTests:
    def test_an_owner_who_comes_first_gets_their_node_although_others_are_next(self, wanda):
        node = worker(owner=wanda)
        services.set_controls(node, now=NOW, serves="own_first")
        enqueue(1, group=1, owner_id=999, work={"tier": PRIORITY})
        enqueue(2, group=2, owner_id=wanda.pk, work={"tier": ECONOMY})
        feed()
        assert (lease(2).place, lease(1).place) == (0, 1)

    def test_no_clock_goes_on_for_it(self, wanda):
        services.set_controls(worker(owner=wanda), now=NOW, serves="own_first")
        enqueue(1, 2, owner_id=wanda.pk)
        feed()
        assert not Turn.objects.exclude(owner_id=0).exists()
        assert set(Turn.objects.values_list("turns", flat=True)) == {0}

    def test_a_node_for_its_team_waits_for_them(self, wanda, alice):
        node = worker(owner=wanda)
        team_up(node, alice, serves="team_only")
        enqueue(1, owner_id=999)
        assert feed() == 0
        assert "takes the work of others" in services.idle_reason(node)
        enqueue(2, owner_id=alice.pk, group=2)
        assert feed() == 1
        assert lease(2).worker == node

    def test_what_others_prefer_costs_nobody_their_share_of_the_common_nodes_in_the_next_run_either(self, wanda, alice):
        slow = worker(owner=wanda, score_milli=1)
        team_up(slow, alice, serves="team_first")
        enqueue(*range(1, 10), owner_id=alice.pk)
        feed()
        assert slow.leases.count() == 2
        enqueue(*range(11, 20), group=2, owner_id=999)
        fast = worker()
        feed()
        assert set(fast.leases.values_list("work__owner_id", flat=True)) == {alice.pk, 999}

    @pytest.mark.parametrize(("uses", "leased"), [({"accepts_render": False}, 0), ({"accepts_check": False}, 1)])
    def test_work_goes_to_nodes_that_accept_its_kind(self, uses, leased):
        services.set_controls(worker(), now=NOW, **uses)
        enqueue(1)
        assert feed() == leased

    def test_nobody_rents_a_node_whose_owner_has_not_said_so(self):
        node = worker()
        enqueue(1, use="rent")
        assert feed() == 0
        services.set_controls(node, now=NOW, accepts_rent=True, gpu_hour_micros=300_000)
        assert feed() == 1

    def test_a_page_counts_the_nodes_that_serve_its_creator(self, wanda, alice):
        services.set_controls(worker(owner=wanda), now=NOW, serves="own_only")
        enqueue(1, group=1, owner_id=alice.pk)
        enqueue(2, group=2, owner_id=wanda.pk)
        assert "takes the work of others" in services.waiting_reason("toy", 1)
        assert services.waiting_reason("toy", 2) == "A node is free; the work starts in a moment."


class NearnessTests:
    def test_a_node_that_rendered_the_scene_before_is_preferred(self):
        fast, keeper = worker(score_milli=5000), worker()
        Cached.objects.create(worker=keeper, affinity="scene-a", used_at=NOW)
        enqueue(1, work=SCENE)
        feed()
        assert lease(1).worker_id == keeper.pk != fast.pk

    def test_a_lease_is_remembered(self):
        node = worker()
        enqueue(1, work=SCENE)
        feed()
        assert list(Cached.objects.values_list("worker", "affinity")) == [(node.pk, "scene-a")]


class MisfitTests:
    def run_out(self, node, now=NOW) -> None:
        misfits.note_out_of_memory(node.pk, "scene-a", title="Carousel", words="Too little memory.", now=now)

    def fail_in_a_row(self, node, times: int = 3) -> None:
        for _ in range(times):
            misfits.note_failure(node.pk, "scene-a", title="Carousel", words="Blender crashed.", now=NOW)

    def test_a_scene_never_returns_to_a_node_that_ran_out_of_memory_on_it(self):
        node = worker()
        self.run_out(node)
        enqueue(1, work=SCENE)
        assert feed() == 0
        assert feed(NOW + timedelta(days=29)) == 0

    def test_nor_to_one_of_its_owner_with_as_little(self):
        node = worker(ram_bytes=16 * GIB)
        self.run_out(node)
        worker(owner=node.owner, ram_bytes=12 * GIB)
        enqueue(1, work=SCENE)
        assert feed() == 0

    def test_a_node_that_claims_to_have_run_out_of_a_great_deal_shuts_out_nobody_else(self):
        self.run_out(worker(ram_bytes=2**50))
        honest = worker(ram_bytes=16 * GIB)
        enqueue(1, work=SCENE)
        feed()
        assert lease(1).worker_id == honest.pk

    @pytest.mark.parametrize("trusted", [True, False])
    def test_two_owners_or_a_trusted_node_shut_out_all_with_as_little(self, trusted):
        self.run_out(worker(ram_bytes=16 * GIB, trusted=trusted))
        if not trusted:
            self.run_out(worker(ram_bytes=16 * GIB))
        worker(ram_bytes=12 * GIB)
        larger = worker(ram_bytes=64 * GIB)
        enqueue(1, work=SCENE)
        feed()
        assert lease(1).worker_id == larger.pk

    def test_more_memory_in_the_node_lifts_it(self):
        node = worker()
        self.run_out(node)
        type(node).objects.filter(pk=node.pk).update(ram_bytes=64 * GIB)
        enqueue(1, work=SCENE)
        assert feed() == 1

    def test_other_scenes_still_fit_the_node(self):
        self.run_out(worker())
        enqueue(1, work={"affinity": "scene-b"})
        assert feed() == 1

    def test_the_waiting_line_says_how_much_is_needed_and_how_much_there_is(self):
        self.run_out(worker(ram_bytes=16 * GIB, trusted=True), clock.now())
        enqueue(1, work=SCENE)
        words = "It needs more than 16 GB of memory, which was too little; the largest node online has 16 GB."
        assert services.waiting_reason("toy", 1) == services.what_is_missing("toy", 1) == words

    def test_a_node_that_fails_a_scene_three_times_in_a_row_leaves_it_to_others_for_a_while(self):
        node, other = worker(score_milli=5000), worker()
        self.fail_in_a_row(node)
        enqueue(1, work=SCENE)
        feed()
        assert lease(1).worker_id == other.pk
        later = NOW + misfits.BLOCKED_FOR + timedelta(seconds=1)
        assert misfits.learned(["scene-a"], now=NOW)["scene-a"].failed == {node.pk}
        assert misfits.learned(["scene-a"], now=later) == {}

    def test_twice_is_not_yet_a_pattern(self):
        node = worker(score_milli=5000)
        worker()
        self.fail_in_a_row(node, 2)
        enqueue(1, work={"affinity": "scene-a"})
        feed()
        assert lease(1).worker_id == node.pk

    def test_the_only_node_that_fits_tries_all_the_same(self):
        self.fail_in_a_row(worker())
        worker(blender_versions=[])
        enqueue(1, blender_version="5.0.1", work=SCENE)
        assert feed() == 1

    def test_a_success_ends_the_row_and_leaves_memory_alone(self):
        node = worker()
        self.fail_in_a_row(node)
        self.run_out(node)
        services.note_successes([(node.pk, "scene-a")])
        assert list(Misfit.objects.values_list("kind", flat=True)) == [MisfitKind.OUT_OF_MEMORY]

    def test_failures_far_apart_are_no_row(self):
        node = worker()
        self.fail_in_a_row(node, 2)
        misfits.note_failure(node.pk, "scene-a", title="Carousel", words="", now=NOW + timedelta(days=1))
        assert Misfit.objects.get().count == 1

    def test_the_owner_reads_what_happened(self):
        self.fail_in_a_row(worker())
        event = WorkerEvent.objects.get(kind="misfit")
        assert event.detail == "Carousel: failed 3 times in a row. Blender crashed."

    def test_a_gpu_node_is_measured_by_its_gpu(self):
        node = worker(ram_bytes=64 * GIB, device="OPTIX")
        Gpu.objects.create(worker=node, index=0, model="RTX 4090", vram_bytes=24 * GIB)
        self.run_out(node)
        enqueue(1, work=SCENE)
        assert feed() == 0
        worker(ram_bytes=32 * GIB)
        assert feed() == 1


class FailedOnTests:
    def test_the_third_attempt_goes_to_a_third_node(self, toy):
        nodes = {worker(score_milli=score).pk for score in (3000, 2000, 1000)}
        enqueue(1)
        toy.retried.add(1)
        seen = []
        for _ in range(3):
            feed()
            seen.append(lease(1).worker_id)
            fail(lease(1))
        assert set(seen) == nodes


class PlaceTakenTests:
    def test_a_place_that_was_taken_meanwhile_spoils_no_other_lease(self, toy):
        """The node's next task moved up between the look at the places and the writing of the leases."""
        node = worker()
        worker()
        enqueue(1, work={"tier": PRIORITY})
        feed()
        taken = lease(1)

        def move_up(leases, now, given=toy.lease):
            Lease.objects.filter(pk=taken.pk).update(worker=node, slot=0, place=0)
            return given(toy(), leases, now)

        Lease.objects.filter(pk=taken.pk).update(place=None)
        enqueue(2, 3, 4, 5)
        toy.interrupt = move_up
        assert services.feed_once(NOW) == 3
        assert Lease.objects.filter(worker=node, slot=0, place=0).get().pk == taken.pk
        lost = toy.heard("returned")
        assert [(r.reason, r.attempt) for r in lost] == [("place_taken", 1)]
        again = work(lost[0].reference)
        assert not again.leased
        assert again.attempts == 1
        finish(taken)
        feed()
        assert lease(again.reference).attempt == 2


class TakeBackTests:
    def test_a_pause_takes_back_what_has_not_begun(self, toy):
        worker()
        enqueue(1, 2, 3)
        feed()
        report(lease(1), protocol.Started)
        services.hold_group("toy", 1, True)
        assert services.take_back("toy", 1, now=NOW) == 1
        assert lease(1).place == 0
        assert [(r.reference, r.reason) for r in toy.heard("returned")] == [(2, "held_back")]
        assert feed() == 0
        services.hold_group("toy", 1, False)
        assert feed() == 1

    def test_other_jobs_keep_theirs(self):
        worker()
        enqueue(1, group=1)
        enqueue(2, group=2)
        feed()
        services.hold_group("toy", 1, True)
        assert services.take_back("toy", 1, now=NOW) == 0


class ChangeGroupTests:
    def test_order_and_needs_of_waiting_work_change(self):
        worker()
        enqueue(1, group=1, blender_version="4.2.23")
        enqueue(2, 3, group=2)
        services.change_group("toy", 1, priority=5, blender_version="5.0.1")
        feed()
        assert lease(1).place == 0

    def test_a_deadline_can_be_set_and_lifted(self):
        enqueue(1)
        services.change_group("toy", 1, needed_by_at=NOW)
        assert work(1).needed_by_at == NOW
        services.change_group("toy", 1, tier=ECONOMY)
        assert (work(1).needed_by_at, work(1).tier) == (NOW, ECONOMY)
        services.change_group("toy", 1, needed_by_at=None)
        assert work(1).needed_by_at is None


class IndexTests:
    def test_waiting_work_is_found_by_the_queue_s_index(self):
        """At 20,000 rows of 20 jobs neither statement reads more than a few hundred of them."""
        with connection.cursor() as cursor:
            cursor.execute(FILL)
            cursor.execute("ANALYZE workers_work")
            values = {"tiers": [0, 1, 2], "from_owner": 0, "limit": waiting.GROUPS_MAX, "counted": waiting.COUNTED}
            cursor.execute("EXPLAIN (FORMAT TEXT) " + waiting.GROUPS, values)
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "work_waiting_by_group" in plan
        assert "Seq Scan on workers_work" not in plan
        assert "Sort" not in plan
        assert Work.objects.count() == 20_000


FILL = """
    INSERT INTO workers_work (kind, reference, "group", owner_id, requirements, sort, attempts, leased, held, priority, created_at)
    SELECT 'toy', n, n % 20, n % 4, '{}', n, 0, FALSE, FALSE, 0, now() FROM generate_series(1, 20000) AS n
"""
