"""Nodes that lie about their failures: their words end no job, count as no frame, and shut nobody else's node out."""

from datetime import timedelta

import pytest

from pictor_agent import protocol
from rendering import background
from rendering.models import Attempt, Job
from rendering.reasons import NOBODY_ELSE, NOT_A_NODES, Reason
from rendering.states import JobStatus, TaskStatus
from tests.builders import NOW, check, deliver, feed, lease_of, make_job, make_user, make_worker, report
from workers.models import Work, Worker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ledger_in_order")]


def status(job: Job) -> str:
    background.sweep_jobs()
    return Job.objects.get(pk=job.pk).status


def fail_first(job: Job, reason: str, now=NOW) -> Attempt:
    """Whichever node holds the job's first frame gives it up for this reason."""
    feed(now)
    task = job.tasks.first()
    report(lease_of(task), protocol.Failed, now=now, reason=reason)
    return task.attempts.latest("number")


def occupied(worker: Worker) -> Worker:
    """All its places are taken by its owner's own work."""
    make_job(make_user(worker.owner.username, credits=10), status=JobStatus.QUEUED, frames="1-2", nodes="own")
    feed()
    return worker


class ServerWordTests:
    @pytest.mark.parametrize("reason", sorted(NOT_A_NODES))
    def test_what_only_the_server_says_is_the_nodes_own_fault(self, reason):
        make_worker()
        job = make_job(status=JobStatus.QUEUED)
        assert fail_first(job, reason).outcome == Reason.AGENT_ERROR
        assert job.tasks.first().attempts_used == 1
        assert status(job) in {JobStatus.QUEUED, JobStatus.RENDERING}

    def test_nobody_is_paid_for_a_job_that_a_node_ended_in_its_creators_name(self):
        make_worker()
        job = make_job(status=JobStatus.QUEUED)
        feed()
        for task in job.tasks.filter(status=TaskStatus.RENDERING):
            report(lease_of(task), protocol.Started, now=NOW)
        fail_first(job, "by_creator")
        assert status(job) == JobStatus.RENDERING
        assert Job.objects.get(pk=job.pk).charged_micros == 0


class HopelessTests:
    def test_one_nodes_word_ends_no_job(self):
        make_worker()
        job = make_job(status=JobStatus.QUEUED)
        fail_first(job, "scene_unreadable")
        assert status(job) in {JobStatus.QUEUED, JobStatus.RENDERING}
        assert Work.objects.filter(group=job.pk).exists()

    def test_two_owners_end_it(self):
        make_worker(score_milli=2000), make_worker(make_user("walter"))
        job = make_job(status=JobStatus.QUEUED, frames="1")
        fail_first(job, "scene_unreadable")
        fail_first(job, "no_camera")
        assert status(job) == JobStatus.FAILED

    def test_two_nodes_of_one_owner_do_not(self):
        make_worker(score_milli=2000), make_worker()
        job = make_job(status=JobStatus.QUEUED, frames="1")
        fail_first(job, "scene_unreadable")
        fail_first(job, "scene_unreadable")
        assert status(job) in {JobStatus.QUEUED, JobStatus.RENDERING}

    @pytest.mark.parametrize("reason", ["scene_unreadable", "renderer_crashed"])
    def test_one_node_three_times_ends_nothing_that_another_owners_node_could_try(self, reason):
        make_worker(score_milli=2000), occupied(make_worker(make_user("walter")))
        job = make_job(status=JobStatus.QUEUED, frames="1")
        for minute in range(3):
            fail_first(job, reason, NOW + timedelta(minutes=minute))
        assert job.tasks.get().status == TaskStatus.WAITING
        assert status(job) in {JobStatus.QUEUED, JobStatus.RENDERING}

    @pytest.mark.parametrize("reason", ["scene_unreadable", "renderer_crashed"])
    def test_where_nobody_else_is_there_it_ends(self, reason):
        make_worker()
        job = make_job(status=JobStatus.QUEUED, frames="1")
        for _ in range(3):
            fail_first(job, reason)
        assert job.tasks.get().status == TaskStatus.FAILED
        assert NOBODY_ELSE in job.events.get(became=TaskStatus.FAILED, task__isnull=False).detail

    def test_two_owners_end_nothing_that_a_third_could_try(self):
        first, second, third = make_worker(), make_worker(make_user("walter")), make_worker(make_user("willa"))
        job = make_job(status=JobStatus.QUEUED, frames="1")
        for minute, worker in enumerate([first, second, first, first]):
            Worker.objects.exclude(pk=worker.pk).update(status="paused")
            Worker.objects.filter(pk=worker.pk).update(status="online")
            feed(NOW + timedelta(minutes=minute))
            Worker.objects.filter(pk=third.pk).update(status="online")
            report(lease_of(job.tasks.get()), protocol.Failed, now=NOW + timedelta(minutes=minute), reason="renderer_crashed")
        assert job.tasks.get().status == TaskStatus.WAITING

    def test_one_owners_three_nodes_quarantine_nothing_that_anothers_could_try(self):
        liars = [make_worker(score_milli=2000) for _ in range(3)]
        occupied(make_worker(make_user("walter")))
        job = make_job(status=JobStatus.QUEUED, frames="1")
        for minute, liar in enumerate(liars):
            Worker.objects.filter(pk__in=[each.pk for each in liars]).exclude(pk=liar.pk).update(status="paused")
            Worker.objects.filter(pk=liar.pk).update(status="online")
            assert fail_first(job, "renderer_crashed", NOW + timedelta(minutes=minute)).worker_id == liar.pk
        assert job.tasks.get().status == TaskStatus.WAITING

    def test_who_says_so_three_times_is_not_believed_where_another_says_otherwise(self):
        liar, other = make_worker(), make_worker(make_user("walter"))
        job = make_job(status=JobStatus.QUEUED, frames="1")
        for minute, worker in enumerate([liar, other, liar, liar]):
            Worker.objects.exclude(pk=worker.pk).update(status="paused")
            Worker.objects.filter(pk=worker.pk).update(status="online")
            reason = "scene_unreadable" if worker == liar else "renderer_crashed"
            assert fail_first(job, reason, NOW + timedelta(minutes=minute)).worker_id == worker.pk
        assert status(job) in {JobStatus.QUEUED, JobStatus.RENDERING}

    def test_a_job_of_which_a_frame_is_in_can_be_rendered(self):
        make_worker()
        job = make_job(status=JobStatus.QUEUED, frames="1-2")
        feed()
        second = job.tasks.get(frame=2)
        deliver(second)
        check(second)
        for _ in range(3):
            assert fail_first(job, "scene_unreadable").outcome == Reason.AGENT_ERROR
        assert Job.objects.get(pk=job.pk).failure == ""
