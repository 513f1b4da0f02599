"""What the product learns from failures: frames in quarantine, scenes that are too large, jobs that nothing fits."""

from datetime import timedelta

import pytest
from django.db.models import Q

from pictor_agent import protocol
from rendering.models import JobEvent, Task
from rendering.reasons import Reason
from rendering.services import pause_job, requeue_tasks, resume_job
from rendering.services.stranded import PATIENCE, note_stranded_jobs
from rendering.states import JobStatus, TaskStatus
from tests.builders import NOW, check, deliver, feed, lease_of, make_job, make_worker, report
from workers import services as queue
from workers.models import Lease, Misfit, Work
from workers.states import MisfitKind, ReturnReason

pytestmark = pytest.mark.django_db
GIB = 1024**3


def fail(task: Task, reason: str = "renderer_crashed") -> int:
    """The node that holds it reports a failure; returns the node."""
    lease = lease_of(task)
    report(lease, protocol.Failed, reason=reason)
    return lease.worker_id


def state(task: Task) -> tuple[str, str]:
    task.refresh_from_db()
    return task.status, task.reason


class QuarantineTests:
    def three_nodes_fail(self, job) -> Task:
        for score in (3000, 2000, 1000):
            make_worker(name=f"node of {score}", score_milli=score)
        task = job.tasks.get(frame=1)
        for reason in ("renderer_crashed", "output_invalid", "renderer_crashed"):
            feed()
            fail(task, reason)
        return task

    def test_a_frame_that_three_nodes_fail_is_quarantined(self):
        task = self.three_nodes_fail(make_job(status=JobStatus.QUEUED, frames="1"))
        assert state(task) == (TaskStatus.FAILED, Reason.QUARANTINED)
        assert not Work.objects.filter(reference=task.pk).exists()

    def test_its_creator_reads_what_happened_on_each_node(self):
        task = self.three_nodes_fail(make_job(status=JobStatus.QUEUED, frames="1"))
        words = JobEvent.objects.get(task=task, reason=Reason.QUARANTINED).detail
        assert words == (
            "node of 3000: Blender crashed on the node. node of 2000: The node wrote no image. "
            "node of 1000: Blender crashed on the node."
        )

    def test_the_other_frames_go_on(self):
        job = make_job(status=JobStatus.QUEUED, frames="1-2")
        self.three_nodes_fail(job)
        other = job.tasks.get(frame=2)
        feed()
        deliver(other)
        check(other)
        assert state(other)[0] == TaskStatus.ACCEPTED

    def test_a_node_that_vanished_does_not_count(self):
        nodes = [make_worker() for _ in range(3)]
        task = make_job(status=JobStatus.QUEUED, frames="1").tasks.get()
        for reason in (None, "renderer_crashed", "renderer_crashed"):
            feed()
            if reason:
                fail(task, reason)
            else:
                lease = lease_of(task)
                queue.return_leases(Q(pk=lease.pk), ReturnReason.LEASE_EXPIRED, now=NOW)
        assert state(task)[0] == TaskStatus.WAITING
        assert len(nodes) == 3

    def test_a_new_start_by_its_creator_forgets_the_strikes(self):
        job = make_job(status=JobStatus.QUEUED, frames="1")
        task = self.three_nodes_fail(job)
        requeue_tasks(job, [task.pk], now=NOW)
        feed(NOW + timedelta(hours=2))
        fail(task)
        assert state(task)[0] == TaskStatus.WAITING


class MemoryTests:
    def test_a_node_that_ran_out_gets_no_more_frames_of_the_scene(self):
        make_worker()
        job = make_job(status=JobStatus.QUEUED, frames="1-4")
        feed()
        fail(job.tasks.get(frame=1), "out_of_memory")
        running = Lease.objects.count()
        assert feed() == 0
        assert Lease.objects.count() == running
        assert state(job.tasks.get(frame=1)) == (TaskStatus.WAITING, Reason.OUT_OF_MEMORY)

    def test_a_larger_node_takes_it(self):
        small = make_worker(score_milli=5000)
        task = make_job(status=JobStatus.QUEUED, frames="1").tasks.get()
        feed()
        assert fail(task, "out_of_memory") == small.pk
        large = make_worker(ram_bytes=64 * GIB)
        feed()
        assert lease_of(task).worker_id == large.pk

    def test_it_uses_no_attempt_up(self):
        make_worker()
        task = make_job(status=JobStatus.QUEUED, frames="1").tasks.get()
        feed()
        fail(task, "out_of_memory")
        task.refresh_from_db()
        assert task.attempts_used == 0


class RowTests:
    def test_failures_in_a_row_stand_against_node_and_scene_and_success_clears_them(self):
        node = make_worker()
        job = make_job(status=JobStatus.QUEUED, frames="1-4")
        feed()
        fail(job.tasks.get(frame=1))
        noted = Misfit.objects.get()
        assert (noted.worker_id, noted.kind, noted.count) == (node.pk, MisfitKind.FAILURES, 1)
        assert (noted.affinity, noted.title) == (job.scene.scene_key, job.scene.name)
        second = job.tasks.get(frame=2)
        deliver(second)
        check(second)
        assert not Misfit.objects.exists()


class PauseTests:
    def test_what_is_only_next_on_a_node_comes_back(self):
        make_worker()
        job = make_job(status=JobStatus.QUEUED, frames="1-3")
        feed()
        report(lease_of(job.tasks.get(frame=1)), protocol.Started)
        pause_job(job, now=NOW)
        assert [task.status for task in job.tasks.all()] == ["rendering", "waiting", "waiting"]
        assert state(job.tasks.get(frame=2))[1] == Reason.HELD_BACK
        resume_job(job, now=NOW)
        assert feed() == 1
        assert lease_of(job.tasks.get(frame=2)).attempt == 2


class StrandedTests:
    def test_a_creator_is_told_once_with_figures(self):
        make_worker(ram_bytes=24 * GIB)
        job = make_job(status=JobStatus.QUEUED, frames="1-3")
        Work.objects.update(requirements={"ram_bytes_min": 40 * GIB})
        later = NOW + PATIENCE + timedelta(seconds=1)
        assert note_stranded_jobs(NOW, limit=10) == 0
        assert note_stranded_jobs(later, limit=10) == 1
        assert note_stranded_jobs(later, limit=10) == 0
        words = "It needs 40 GB of memory; the largest node online has 24 GB."
        assert JobEvent.objects.get(job=job, reason=Reason.NO_NODE_FITS).detail == words

    def test_a_job_that_something_fits_is_left_alone(self):
        make_worker()
        make_job(status=JobStatus.QUEUED, frames="1-3")
        assert note_stranded_jobs(NOW + PATIENCE * 2, limit=10) == 0
