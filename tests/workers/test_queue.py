"""The life of work in the queue: in, leased, reported, back or gone."""

from datetime import timedelta

import pytest
from django.db.models import Q

from pictor_agent import protocol
from tests.workers.builders import NOW, enqueue, feed, lease, report, result, work, worker
from workers import background, services
from workers.kinds import AVOIDED_FOR
from workers.models import Lease, Work
from workers.states import ReturnReason

pytestmark = pytest.mark.django_db


class EnqueueTests:
    def test_the_same_reference_enters_the_queue_once(self):
        enqueue(1)
        enqueue(1, 2)
        assert Work.objects.count() == 2

    def test_a_requeued_reference_continues_its_attempt_numbers(self, toy):
        worker()
        services.enqueue("toy", [services.NewWork(7, 1, 1, {}, attempts=3)])
        feed()
        assert toy.heard("lease")[0].attempt == 4


class FeedTests:
    def test_a_node_gets_a_task_to_run_and_one_to_follow(self):
        worker()
        enqueue(1, 2, 3)
        assert feed() == 2
        assert [lease(1).place, lease(2).place] == [0, 1]

    def test_every_node_runs_something_before_any_node_gets_a_second_task(self):
        worker()
        worker()
        enqueue(1, 2)
        feed()
        assert {lease(1).place, lease(2).place} == {0}
        assert lease(1).worker_id != lease(2).worker_id

    def test_higher_priority_goes_first(self):
        worker()
        enqueue(1, 2, group=1)
        enqueue(3, group=2, priority=5)
        feed()
        assert lease(3).place == 0

    def test_held_work_is_not_leased(self):
        worker()
        enqueue(1)
        services.hold_group("toy", 1, True)
        assert feed() == 0
        services.hold_group("toy", 1, False)
        assert feed() == 1

    def failed_on(self, toy, node) -> None:
        """Work 1 has failed on `node`, which is free again; work 2 waits behind it."""
        enqueue(1, blender_version="5.0.1")
        feed()
        assert lease(1).worker_id == node.pk
        toy.retried.add(1)
        report(lease(1), protocol.Failed, reason="renderer_crashed")
        enqueue(2, blender_version="5.0.1")

    def test_failed_work_waits_for_another_node_for_a_while(self, toy):
        node = worker(score_milli=2000)
        other = worker(slots=1)
        self.failed_on(toy, node)
        feed()
        assert (lease(1).worker_id, lease(2).worker_id) == (other.pk, node.pk)

    def test_a_node_is_not_kept_idle_by_what_it_failed(self, toy):
        node = worker()
        self.failed_on(toy, node)
        worker(blender_versions=[])  # online, but of no use here
        assert feed() == 1
        assert lease(2).worker_id == node.pk
        assert feed(NOW + AVOIDED_FOR) == 1
        assert lease(1).worker_id == node.pk

    def test_the_only_node_tries_again_at_once(self, toy):
        node = worker()
        self.failed_on(toy, node)
        feed()
        assert lease(1).worker_id == node.pk

    @pytest.mark.parametrize("changes", [{"status": "paused"}, {"status": "draining"}, {"connected_at": None}])
    def test_a_node_that_takes_no_work_gets_none(self, changes):
        worker(**changes)
        enqueue(1)
        assert feed() == 0

    def test_work_that_fits_no_node_does_not_hold_up_the_work_behind_it(self):
        worker()
        enqueue(*range(1, 20), group=1, priority=5, blender_version="4.2.23")
        enqueue(50, group=2)
        assert feed() == 1
        assert lease(50)

    def test_a_refused_task_stays_in_the_queue(self, toy):
        worker()
        enqueue(1, 2)
        toy.refused.add(1)
        assert services.feed_once(NOW) == 1
        assert not work(1).leased
        assert work(1).attempts == 0

    def test_a_broken_job_stops_nobody_else(self, toy):
        worker()
        enqueue(1, group=1)
        enqueue(2, group=2)
        toy.broken.add(1)
        assert services.feed_once(NOW) == 1
        assert lease(2)

    def test_a_node_that_cannot_upload_fast_enough_waits(self):
        node = worker()
        enqueue(*range(1, 20))
        for _ in range(12):
            feed()
            running = Lease.objects.filter(worker=node, place=0).first()
            if running:
                report(running, protocol.Rendered, result=result())
        assert Lease.objects.filter(worker=node, place=None).count() <= 10


class ReportTests:
    def held(self, *references: int) -> Lease:
        worker()
        enqueue(*references)
        feed()
        return lease(references[0])

    def test_an_acknowledged_lease_stays(self):
        one = self.held(1)
        assert report(one, services.Arrived) is None
        assert lease(1).acknowledged_at == NOW

    def test_a_rendered_task_frees_its_place_for_the_next(self, toy):
        one = self.held(1, 2)
        report(one, protocol.Started)
        grant = report(one, protocol.Rendered, result=result())
        assert grant.url.startswith("http://testserver/files/")
        assert lease(1).place is None
        assert lease(2).place == 0
        assert [r.reference for r in toy.heard("rendered")] == [1]

    def test_a_repeated_commitment_gets_the_grant_again(self):
        one = self.held(1)
        assert report(one, protocol.Rendered, result=result()).url
        assert report(one, protocol.Rendered, result=result()).url

    def test_a_finished_task_leaves_the_queue(self, toy):
        one = self.held(1)
        answer = report(one, protocol.Done, result=result())
        assert not answer.stale
        assert not Work.objects.exists()
        assert [(r.reference, r.attempt) for r in toy.heard("finished")] == [(1, 1)]

    def test_a_duplicate_report_changes_nothing_and_is_told_so(self, toy):
        one = self.held(1)
        report(one, protocol.Done, result=result())
        assert report(one, protocol.Done, result=result()).stale
        assert len(toy.heard("finished")) == 1

    def test_a_duplicate_within_one_flush_counts_once(self, toy):
        one = self.held(1)
        done = services.Incoming(one.worker_id, protocol.Done(work_id=one.work_id, attempt=1, result=result()))
        assert [answer.stale for answer in services.record([done, done], NOW)] == [False, True]
        assert len(toy.heard("finished")) == 1

    def test_a_late_report_of_an_older_attempt_is_refused_by_its_number(self, toy):
        old = self.held(1)
        services.return_leases(Q(), ReturnReason.LEASE_EXPIRED, now=NOW)
        feed()
        assert lease(1).attempt == 2
        assert report(old, protocol.Done, result=result()).stale
        assert not toy.heard("finished")
        assert work(1).leased

    def test_a_report_of_another_node_is_refused(self, toy):
        one = self.held(1)
        mallory = worker()
        done = protocol.Done(work_id=one.work_id, attempt=1, result=result())
        assert services.record([services.Incoming(mallory.pk, done)], NOW)[0].stale
        assert not toy.heard("finished")

    def test_a_failed_task_leaves_or_waits_as_its_product_says(self, toy):
        one = self.held(1, 2)
        two = lease(2)
        toy.retried.add(2)
        assert not report(one, protocol.Failed, reason="out_of_memory").stale
        assert not report(two, protocol.Failed, reason="renderer_crashed").stale
        assert list(Work.objects.values_list("reference", "leased")) == [(2, False)]

    def test_a_start_without_a_lease_is_cancelled(self):
        one = self.held(1)
        services.withdraw("toy", [1])
        assert report(one, protocol.Started).items == [(one.work_id, 1)]

    def test_a_report_that_breaks_its_product_stops_no_other(self, toy):
        one = self.held(1, 2)
        two = lease(2)
        toy.broken.add(1)
        batch = [
            services.Incoming(x.worker_id, protocol.Done(work_id=x.work_id, attempt=1, result=result())) for x in (one, two)
        ]
        answers = services.record(batch, NOW)
        assert answers[0] is None
        assert not answers[1].stale
        assert lease(1)

    def test_an_announced_file_that_is_too_large_is_a_failure(self, toy, settings):
        settings.UPLOAD_BYTES_MAX = 5
        one = self.held(1)
        assert isinstance(report(one, protocol.Rendered, result=result(size_bytes=6)), protocol.Cancel)
        assert toy.heard("failed")[0].reason == "output_invalid"

    def test_a_flush_of_many_reports_takes_few_statements(self, django_assert_max_num_queries):
        for _ in range(20):
            worker()
        enqueue(*range(1, 41))
        feed()
        batch = [
            services.Incoming(x.worker_id, message)
            for x in Lease.objects.filter(place=0)
            for message in (
                protocol.Started(work_id=x.work_id, attempt=1),
                protocol.Rendered(work_id=x.work_id, attempt=1, result=result()),
                protocol.Done(work_id=x.work_id, attempt=1, result=result()),
            )
        ]
        assert len(batch) == 60
        with django_assert_max_num_queries(8):
            services.record(batch, NOW)


class WithdrawTests:
    def test_withdrawn_work_is_taken_from_the_nodes_that_hold_it(self):
        node = worker()
        enqueue(1, 2, 3)
        feed()
        cancelled = services.withdraw("toy", [1, 3])
        assert [(w.pk, attempt) for w, _, attempt in cancelled] == [(node.pk, 1)]
        assert list(Work.objects.values_list("reference", flat=True)) == [2]
        assert lease(2).place == 0


class SweepTests:
    def test_an_expired_lease_returns_its_work(self, toy):
        worker()
        enqueue(1)
        feed(NOW - timedelta(days=1))
        background.sweep_expired_leases()
        assert not work(1).leased
        assert [r.reason for r in toy.heard("returned")] == ["lease_expired"]

    def test_an_unacknowledged_lease_returns_its_work(self, toy):
        from common import clock

        node = worker()
        enqueue(1)
        feed(clock.now() - timedelta(seconds=11))
        background.sweep_unacknowledged_leases()
        assert [r.reason for r in toy.heard("returned")] == ["not_acknowledged"]
        assert not Lease.objects.filter(worker=node).exists()

    def test_a_lease_in_time_stays(self):
        from common import clock

        worker()
        enqueue(1)
        feed(clock.now())
        background.sweep_expired_leases()
        background.sweep_unacknowledged_leases()
        assert lease(1)

    def test_what_was_next_runs_when_the_running_work_returns(self):
        worker()
        enqueue(1, 2)
        feed()
        services.return_leases(Q(work__reference=1), ReturnReason.LEASE_EXPIRED, now=NOW)
        assert lease(2).place == 0
