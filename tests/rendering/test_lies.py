"""Nodes that lie about their failures: their words end no job, count as no frame, and shut nobody else's node out."""

import pytest

from pictor_agent import protocol
from rendering import background
from rendering.models import Attempt, Job
from rendering.reasons import NOT_A_NODES, Reason
from rendering.states import JobStatus, TaskStatus
from tests.builders import NOW, check, deliver, feed, lease_of, make_job, make_user, make_worker, report
from workers.models import Work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ledger_in_order")]


def status(job: Job) -> str:
    background.sweep_jobs()
    return Job.objects.get(pk=job.pk).status


def fail_first(job: Job, reason: str) -> Attempt:
    """Whichever node holds the job's first frame gives it up for this reason."""
    feed()
    task = job.tasks.first()
    report(lease_of(task), protocol.Failed, reason=reason)
    return task.attempts.latest("number")


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
