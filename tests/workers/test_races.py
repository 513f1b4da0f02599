"""Threads on PostgreSQL: whoever comes at the same moment, each lease has one holder and each attempt one outcome.

Each of these failed when its guard was taken out: the advisory lock, SKIP LOCKED, the lease lock of a report, the
condition on the enrolment, the lock on how far was measured, the second look at a node's facts.
"""

import threading
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.db.models import Q

from pictor_agent import protocol
from tests.overlap import overlapped, until_somebody_waits
from tests.workers.builders import NOW, enqueue, feed, lease, result, user, work, worker
from workers import services, standing
from workers.leases import promote
from workers.models import Lease, Measured, ReliabilityDay, Work, Worker
from workers.reliability import HOUR
from workers.states import ReturnReason

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 10
WAIT_SECONDS = 90


def race(*calls) -> list:
    """Call all at the same moment in threads; returns their results or exceptions, in order."""
    start = threading.Barrier(len(calls))
    outcomes = [None] * len(calls)

    def run(index, call):
        try:
            start.wait()
            outcomes[index] = call()
        except Exception as error:
            outcomes[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def done(holder: Lease):
    message = protocol.Done(work_id=holder.work_id, attempt=holder.attempt, result=result())
    return lambda: services.record([services.Incoming(holder.worker_id, message)], NOW)[0]


class FeederRaceTests:
    def test_feeders_at_the_same_moment_never_lease_work_or_places_twice(self, toy):
        for _ in range(10):
            worker()
        enqueue(*range(1, 101))
        outcomes = race(*[lambda: services.feed_once(NOW, batch=7)] * 6)
        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert Lease.objects.count() == sum(outcomes) == Work.objects.filter(leased=True).count()
        assert len({r.work_id for r in toy.heard("lease")}) == len(toy.heard("lease"))

    def test_work_that_is_withdrawn_while_it_is_leased_is_gone_either_way(self):
        worker()
        for number in range(1, ROUNDS + 1):
            enqueue(number)
            outcomes = race(lambda: services.feed_once(NOW), lambda n=number: services.withdraw("toy", [n]))
            assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
            assert not Work.objects.exists()
            assert not Lease.objects.exists()


class ReportRaceTests:
    def test_one_attempt_is_finished_once(self, toy):
        worker()
        enqueue(1)
        feed()
        answers = race(*[done(lease(1))] * 8)
        assert sorted(answer.stale for answer in answers) == [False] + [True] * 7
        assert len(toy.heard("finished")) == 1

    def test_an_attempt_is_finished_or_returned_but_never_both(self, toy):
        worker()
        for number in range(1, ROUNDS + 1):
            enqueue(number)
            feed()
            toy.forget()
            answer, returned = race(
                done(lease(number)), lambda: services.return_leases(Q(), ReturnReason.LEASE_EXPIRED, now=NOW)
            )
            assert returned == int(answer.stale)
            assert len(toy.heard("finished")) + len(toy.heard("returned")) == 1
            assert Work.objects.filter(reference=number).exists() == answer.stale
            services.withdraw("toy", [number])

    def test_reports_and_withdrawals_of_many_do_not_lock_each_other_out(self):
        for _ in range(10):
            worker()
        enqueue(*range(1, 21))
        feed()
        leases = list(Lease.objects.order_by("-work_id"))
        batch = [services.Incoming(x.worker_id, protocol.Done(work_id=x.work_id, attempt=1, result=result())) for x in leases]
        answers, withdrawn = race(lambda: services.record(batch, NOW), lambda: services.withdraw("toy", range(1, 21)))
        finished = sum(not answer.stale for answer in answers)
        assert finished + len(withdrawn) == 20
        assert not Work.objects.exists()


class PromotionRaceTests:
    def test_a_place_that_the_feeder_fills_meanwhile_spoils_nothing(self):
        """What ran has ended, the feeder has put something in its place and not committed yet: the next one stays next."""
        worker()
        enqueue(1, 2)
        feed()
        Lease.objects.filter(place=0).update(place=None)
        enqueue(3)
        taken = threading.Event()
        outcomes = race(lambda: self.fill(lease(2), taken), lambda: taken.wait(WAIT_SECONDS) and promote([lease(2).worker_id]))
        assert outcomes == [None, None]
        assert (lease(3).place, lease(2).place) == (0, 1)

    def fill(self, beside: Lease, taken: threading.Event) -> None:
        with transaction.atomic():
            values = {"epoch": beside.epoch, "expires_at": beside.expires_at}
            Lease.objects.create(work=work(3), worker=beside.worker, slot=0, place=0, attempt=1, leased_at=NOW, **values)
            taken.set()
            until_somebody_waits()


class EnrolmentRaceTests:
    def test_a_configuration_file_enrols_one_of_two_machines(self):
        node = services.create_worker(user(), "attic", now=NOW)
        token = services.new_config(node, now=NOW).split('token = "')[1].split('"')[0]

        def enrol(key: bytes):
            return lambda: services.admit(uid=node.uid, public_key=key, token=token, gateway_id="g", now=NOW)

        outcomes = race(*[enrol(bytes([number]) * 32) for number in range(1, 5)])
        assert sum(isinstance(outcome, services.Admission) for outcome in outcomes) == 1
        assert {outcome.code for outcome in outcomes if isinstance(outcome, services.Refusal)} == {"bad_token"}

    def test_each_connection_has_a_number_of_its_own(self):
        node = worker(public_key=b"k" * 32)
        admit = lambda: services.admit(uid=node.uid, public_key=b"k" * 32, token="", gateway_id="g", now=NOW)  # noqa: E731
        outcomes = race(*[admit] * 6)
        assert sorted(outcome.epoch for outcome in outcomes) == [2, 3, 4, 5, 6, 7]
        assert Worker.objects.get(pk=node.pk).connection_epoch == 7


class ReturnRaceTests:
    def test_sweeps_at_the_same_moment_return_a_lease_once(self, toy):
        worker()
        enqueue(1, 2)
        feed()
        sweep = lambda: services.return_leases(Q(), ReturnReason.LEASE_EXPIRED, now=NOW)  # noqa: E731
        assert sum(race(*[sweep] * 4)) == 2
        assert len(toy.heard("returned")) == 2
        assert not work(1).leased


class StandingRaceTests:
    def test_no_second_is_counted_by_two_sweeps(self):
        node = worker()
        ReliabilityDay.objects.create(worker=node, day_on=NOW.date() - timedelta(days=2))
        Measured.objects.create(pk=1, until_at=NOW - standing.SETTLES - timedelta(minutes=5))
        assert overlapped(lambda: standing.measure(now=NOW), lambda: standing.measure(now=NOW)) is None
        assert ReliabilityDay.objects.get(worker=node, day_on=NOW.date()).offer_seconds == 300

    def test_a_sweep_does_not_give_back_the_level_that_a_sign_on_just_took(self):
        node = worker(protocol=1, level="verified", hardware_at=NOW - timedelta(days=9), reliability_bp=1)
        record = {"faded_offer_seconds": 90 * HOUR, "faded_offer_up_seconds": 90 * HOUR, "known_up_seconds": 90 * HOUR}
        ReliabilityDay.objects.create(worker=node, day_on=NOW.date(), known_accepted=10, **record)

        def sign_on_with_another_gpu():
            Worker.objects.select_for_update(no_key=True).filter(pk=node.pk).update(hardware_at=NOW)
            standing.keep(now=NOW, worker_ids=[node.pk])

        overlapped(sign_on_with_another_gpu, lambda: standing.keep(now=NOW))
        assert Worker.objects.get(pk=node.pk).level == "self_tested"
