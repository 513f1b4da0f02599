"""Threads on PostgreSQL: whatever comes at once, a frame is charged once and nothing waits in a circle."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from common.transitions import StaleMove
from credit.proof import differences
from rendering import services
from rendering.states import JobStatus, TaskStatus
from tests.builders import NOW, deliver, feed, make_job, make_worker
from workers.models import Work

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*calls) -> list:
    """Run the calls in threads that start together; results, or the exceptions that they raised."""
    barrier = Barrier(len(calls))

    def run(call):
        try:
            barrier.wait(timeout=30)
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def checked_job(frames: str = "1-4"):
    """A job whose frames all lie on the server, unchecked."""
    make_worker(slots=4)
    job = make_job(status=JobStatus.QUEUED, frames=frames)
    for _ in range(4):
        feed()
        for task in job.tasks.filter(status=TaskStatus.RENDERING):
            deliver(task)
    assert set(job.tasks.values_list("status", flat=True)) == {TaskStatus.CHECKING}
    return job


class DoubleFinishTests:
    def test_eight_checks_of_one_frame_charge_it_once(self):
        job = checked_job("1")
        task = job.tasks.get()
        verdicts = at_once(*[lambda: services.accept_task(task.pk, 1, NOW)] * 8)
        assert sorted(verdicts) == [False] * 7 + [True]
        job.refresh_from_db()
        assert (job.charged_micros, job.status) == (200, JobStatus.COMPLETED)
        assert list(differences(NOW)) == []

    def test_frames_of_one_job_accepted_at_once_add_up(self):
        job = checked_job()
        verdicts = at_once(*[lambda pk=pk: services.accept_task(pk, 1, NOW) for pk in job.tasks.values_list("pk", flat=True)])
        assert verdicts == [True] * 4
        job.refresh_from_db()
        assert (job.charged_micros, job.status, job.hold_id) == (800, JobStatus.COMPLETED, None)
        assert list(differences(NOW)) == []


class CancelRaceTests:
    def test_cancel_while_frames_are_accepted_and_requeued(self):
        job = checked_job()
        pks = list(job.tasks.values_list("pk", flat=True))
        services.accept_task(pks[0], 1, NOW)
        at_once(
            lambda: services.cancel_job(job, job.owner, NOW),
            lambda: services.accept_task(pks[1], 1, NOW),
            lambda: services.refuse_task(pks[2], 1, "hash_mismatch", NOW),
            lambda: services.requeue_tasks(job, [pks[0]], job.owner, NOW),
        )
        services.accept_task(pks[3], 1, NOW)
        services.refresh_job(job.pk, NOW)
        job.refresh_from_db()
        assert job.status == JobStatus.CANCELLED
        assert not job.tasks.filter(status__in=["waiting", "rendering", "checking"]).exists()
        assert not Work.objects.exists()
        assert job.hold_id is None
        assert list(differences(NOW)) == []

    def test_cancel_twice_at_once_happens_once(self):
        job = make_job(status=JobStatus.QUEUED)
        outcomes = at_once(*[lambda: services.cancel_job(job, job.owner, NOW)] * 4)
        assert sum(outcome is None for outcome in outcomes) == 1
        assert sum(isinstance(outcome, StaleMove) for outcome in outcomes) == 3


class SubmitRaceTests:
    def test_a_double_click_submits_once(self):
        job = make_job()
        outcomes = at_once(*[lambda: services.submit_job(job, NOW)] * 4)
        assert sum(isinstance(outcome, StaleMove) for outcome in outcomes) == 3
        assert job.tasks.count() == 3
        assert list(differences(NOW)) == []


class PauseRaceTests:
    def test_pause_resume_and_feed_at_once_leave_queue_and_job_agreed(self):
        make_worker(slots=4)
        job = make_job(status=JobStatus.QUEUED, frames="1-40")
        for _ in range(4):
            outcomes = at_once(
                lambda: services.pause_job(job, job.owner, NOW),
                lambda: services.resume_job(job, job.owner, NOW),
                feed,
                lambda: services.refresh_job(job.pk, NOW),
            )
            assert not [each for each in outcomes if isinstance(each, Exception) and not isinstance(each, StaleMove)]
            job.refresh_from_db()
            paused = job.status == JobStatus.PAUSED
            assert set(Work.objects.filter(leased=False).values_list("held", flat=True)) == {paused}
            if paused:
                services.resume_job(job, job.owner, NOW)
