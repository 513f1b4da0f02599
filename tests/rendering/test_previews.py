"""The preview gate on a job's road: every Nth frame first, then the creator's word."""

import pytest

from common.transitions import StaleMove
from rendering import background, services
from rendering.models import Job
from rendering.states import JobStatus, PauseReason, TaskStatus
from tests.builders import NOW, accepted_task, check, deliver, feed, finish_job, make_job, make_worker
from workers.models import Work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ledger_in_order")]


@pytest.fixture
def gated():
    """Nine frames, frames 1, 4 and 7 first; a node is online."""
    make_worker()
    return make_job(status=JobStatus.QUEUED, frames="1-9", gate_step=3)


@pytest.fixture
def at_the_gate(gated):
    finish_job(gated)
    gated.refresh_from_db()
    return gated


def frames_in_the_queue(job: Job) -> list[int]:
    waiting = Work.objects.filter(group=job.pk).order_by("sort").values_list("reference", flat=True)
    numbers = dict(job.tasks.values_list("pk", "frame"))
    return [numbers[pk] for pk in waiting]


def accepted_frames(job: Job) -> list[int]:
    return list(job.tasks.filter(status=TaskStatus.ACCEPTED).values_list("frame", flat=True))


class UntilTheGateTests:
    def test_only_the_preview_enters_the_queue(self, gated):
        assert gated.tasks.count() == 9
        assert frames_in_the_queue(gated) == [1, 4, 7]

    def test_the_job_pauses_by_itself_when_the_preview_is_done(self, at_the_gate):
        assert (at_the_gate.status, at_the_gate.pause_reason) == (JobStatus.PAUSED, PauseReason.GATE)
        assert accepted_frames(at_the_gate) == [1, 4, 7]
        assert feed() == 0

    def test_not_before_the_last_of_its_frames_is_accepted(self, gated):
        accepted_task(gated, 1)
        accepted_task(gated, 4)
        feed()
        deliver(gated.tasks.get(frame=7))
        gated.refresh_from_db()
        assert gated.status == JobStatus.RENDERING

    def test_a_preview_that_fails_asks_as_well(self, gated):
        accepted_task(gated, 1)
        accepted_task(gated, 4)
        services.refresh_job(gated.pk, NOW)
        gated.tasks.filter(frame=7).update(status=TaskStatus.FAILED)
        Work.objects.filter(group=gated.pk).delete()
        services.refresh_job(gated.pk, NOW)
        gated.refresh_from_db()
        assert gated.pause_reason == PauseReason.GATE

    def test_a_job_of_one_frame_has_nothing_behind_its_preview(self):
        make_worker()
        job = make_job(status=JobStatus.QUEUED, frames="5", gate_step=3)
        finish_job(job)
        job.refresh_from_db()
        assert job.status == JobStatus.COMPLETED

    def test_a_pause_during_the_preview_and_a_resume_after_it_lead_to_the_gate(self, gated, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            feed()
            services.pause_job(gated, gated.owner, NOW)
            for task in gated.tasks.filter(status=TaskStatus.RENDERING):
                deliver(task)
                check(task)
            services.resume_job(gated, gated.owner, NOW)
            finish_job(gated)
        gated.refresh_from_db()
        assert gated.pause_reason == PauseReason.GATE
        assert accepted_frames(gated) == [1, 4, 7]

    def test_money_does_not_open_the_gate(self, at_the_gate):
        assert not services.resume_if_covered(at_the_gate.pk, NOW)
        assert background.sweep_paused_jobs() == 0
        background.sweep_jobs()
        at_the_gate.refresh_from_db()
        assert at_the_gate.pause_reason == PauseReason.GATE


class ApproveTests:
    @pytest.mark.parametrize("verb", [services.approve_preview, services.resume_job])
    def test_the_rest_is_rendered(self, at_the_gate, verb):
        verb(at_the_gate, at_the_gate.owner, NOW)
        assert frames_in_the_queue(at_the_gate) == [2, 3, 5, 6, 8, 9]
        finish_job(at_the_gate)
        at_the_gate.refresh_from_db()
        assert at_the_gate.status == JobStatus.COMPLETED

    def test_once_is_enough(self, at_the_gate):
        services.approve_preview(at_the_gate, at_the_gate.owner, NOW)
        with pytest.raises(StaleMove):
            services.approve_preview(at_the_gate, at_the_gate.owner, NOW)
        assert len(frames_in_the_queue(at_the_gate)) == 6

    def test_a_frame_of_the_preview_can_be_rendered_once_more_before(self, at_the_gate, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            services.requeue_tasks(at_the_gate, [at_the_gate.tasks.get(frame=4).pk], at_the_gate.owner, NOW)
            services.approve_preview(at_the_gate, at_the_gate.owner, NOW)
        assert sorted(frames_in_the_queue(at_the_gate)) == [2, 3, 4, 5, 6, 8, 9]

    @pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.PAUSED, JobStatus.COMPLETED])
    def test_a_job_that_waits_for_no_approval_has_nothing_to_approve(self, status):
        with pytest.raises(StaleMove):
            services.approve_preview(make_job(status=status), None, NOW)


class ChangeTests:
    def test_the_job_ends_paid_for_its_preview_and_a_new_one_is_opened(self, at_the_gate):
        charged = at_the_gate.charged_micros
        made = services.change_preview(at_the_gate, at_the_gate.owner, NOW)
        at_the_gate.refresh_from_db()
        assert (at_the_gate.status, at_the_gate.charged_micros, at_the_gate.hold_id) == (JobStatus.CANCELLED, charged, None)
        assert (made.status, made.frames, made.gate_step, made.scene_id) == (JobStatus.READY, "1-9", 3, at_the_gate.scene_id)
        assert not Work.objects.exists()

    def test_only_at_the_gate(self, gated):
        with pytest.raises(StaleMove):
            services.change_preview(gated, gated.owner, NOW)
        assert Job.objects.count() == 1
