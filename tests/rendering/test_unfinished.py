"""A frame that ends under its node's hands through its creator is paid for the seconds rendered so far."""

from datetime import timedelta

import pytest

from common.transitions import StaleMove
from credit import services as credit
from pictor_agent import protocol
from rendering import services
from rendering.estimates import reserve_micros
from rendering.models import Attempt
from rendering.services import unfinished
from rendering.states import JobStatus, TaskStatus
from tests.builders import (
    NOW,
    check,
    deliver,
    feed,
    lease_of,
    make_job,
    make_user,
    make_worker,
    picture,
    report,
    result_of,
)
from workers.models import Tally

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ledger_in_order")]
SECOND_MICROS = 100  # at the standard rate


@pytest.fixture
def started():
    """A job whose first frame is being rendered since NOW, its second next in line."""
    make_worker(name="atelier")
    job = make_job(status=JobStatus.RENDERING, frames="1-9", width=1920, height=1080, samples=64)
    report(lease_of(job.tasks.get(frame=1)), protocol.Started, now=NOW)
    return job


def cancel(job, seconds: float):
    services.cancel_job(job, job.owner, NOW + timedelta(seconds=seconds))
    job.refresh_from_db()
    return job


def earned(job) -> int:
    return credit.balance_of(job.tasks.get(frame=1).attempts.get().worker.owner).pending_micros


class CancelTests:
    def test_the_node_is_paid_for_the_seconds_so_far(self, started):
        cancel(started, 7.5)
        assert started.charged_micros == 750
        assert earned(started) == 450
        assert (started.status, started.hold_id) == (JobStatus.CANCELLED, None)

    def test_what_was_only_next_in_line_costs_nothing(self, started):
        cancel(started, 7.5)
        assert started.tasks.get(frame=2).charged_micros == 0
        assert started.tasks.get(frame=1).charged_micros == 750

    def test_the_bill_says_what_it_was_for(self, started):
        cancel(started, 7.5)
        attempt = started.tasks.get(frame=1).attempts.get()
        assert (attempt.outcome, attempt.charged_micros, attempt.billable_ms) == ("by_creator", 750, 7500)
        assert started.events.filter(detail__startswith="7.5 s rendered so far").exists()
        assert Tally.objects.get(worker=attempt.worker).earned_micros == 450

    def test_a_second_cancel_pays_nothing_more(self, started):
        cancel(started, 7.5)
        with pytest.raises(StaleMove):
            services.cancel_job(started, started.owner, NOW + timedelta(seconds=60))
        attempt = Attempt.objects.select_related("task", "worker").get(task__job=started, task__frame=1)
        assert attempt.charged_micros == 750

    def test_a_node_that_never_began_is_paid_nothing(self):
        make_worker()
        job = cancel(make_job(status=JobStatus.RENDERING), 3600)
        assert job.charged_micros == 0

    def test_never_more_than_was_set_aside_for_one_frame(self, started):
        reserve = reserve_micros(started, NOW)
        cancel(started, 90_000)
        assert started.charged_micros == min(reserve, 3_600 * SECOND_MICROS)

    def test_never_more_than_a_quarter_above_the_peers(self):
        make_worker()
        job = make_job(status=JobStatus.RENDERING, frames="1-9")
        report(lease_of(job.tasks.get(frame=1)), protocol.Started, now=NOW)
        for frame, seconds in ((2, 2.0), (3, 2.0), (4, 9.0)):
            feed()
            deliver(job.tasks.get(frame=frame), seconds=seconds, wall_seconds=seconds + 1)
            check(job.tasks.get(frame=frame))
        Attempt.objects.filter(outcome="accepted").update(worker=make_worker(make_user("walter")))
        assert cancel(job, 900).tasks.get(frame=1).charged_micros == 250

    def test_the_cap_holds_here_too(self, started):
        started.cap_micros = 300
        started.save()
        assert cancel(started, 60).charged_micros == 300

    def test_a_frame_that_was_rendered_and_not_yet_sent_counts_to_its_end(self, started):
        task = started.tasks.get(frame=1)
        report(lease_of(task), protocol.Rendered, result=result_of(picture(1)), now=NOW + timedelta(seconds=4))
        assert cancel(started, 30).tasks.get(frame=1).charged_micros == 400

    def test_a_frame_on_the_server_is_charged_by_its_check_and_not_twice(self, started):
        deliver(started.tasks.get(frame=1))
        cancel(started, 30)
        assert started.tasks.get(frame=1).status == TaskStatus.CHECKING
        assert started.charged_micros == 0


class StopTests:
    def test_what_the_creator_must_mend_is_paid_to_the_nodes_that_were_at_it(self, started):
        services.stop_job(started.pk, "scene_unreadable", "", NOW + timedelta(seconds=5))
        started.refresh_from_db()
        assert (started.status, started.charged_micros) == (JobStatus.FAILED, 500)

    def test_what_the_network_ends_costs_nothing(self, started):
        services.stop_job(started.pk, "by_operator", "", NOW + timedelta(seconds=5))
        started.refresh_from_db()
        assert started.charged_micros == 0


def test_a_clock_that_ran_backwards_pays_nothing(started):
    attempt = started.tasks.get(frame=1).attempts.get()
    assert unfinished.seconds_so_far(attempt, NOW - timedelta(seconds=5)) == 0
    assert feed() == 0
