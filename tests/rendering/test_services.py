"""The verbs of rendering, on the road that a job takes: through the queue, a scripted node, the checks and the ledger."""

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db.models import Q

from common.transitions import StaleMove
from credit import services as credit
from credit.errors import InsufficientCredit
from pictor_agent import protocol
from rendering import background, services
from rendering.errors import BadSettings, NotCovered, NothingToDo, QuotaExceeded
from rendering.inspected import Inspection
from rendering.models import Attempt, Job, RateRule, Task
from rendering.reasons import ATTEMPTS_MAX, Reason
from rendering.seeds import frame_seed
from rendering.services import holds
from rendering.states import JobStatus, PauseReason, TaskStatus
from tests.builders import (
    MICROS,
    NOW,
    accepted_task,
    check,
    deliver,
    feed,
    finish_job,
    give,
    lease_of,
    make_job,
    make_user,
    make_worker,
    picture,
    png_bytes,
    report,
    result_of,
    store_frame,
)
from workers import services as queue
from workers.models import Lease, Tally, Work
from workers.states import ReturnReason

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ledger_in_order")]
FRAME_MICROS = 200  # two reference seconds at the standard rate


@pytest.fixture
def worker():
    return make_worker()


def balance(user):
    return credit.balance_of(user)


def reread(row):
    row.refresh_from_db()
    return row


def rendering_task(**fields) -> Task:
    """A task on a node."""
    job = make_job(status=JobStatus.RENDERING, **fields)
    return job.tasks.filter(status=TaskStatus.RENDERING).first()


def checking_task(job: Job | None = None, **claims) -> Task:
    """A task whose frame lies on the server."""
    task = job.tasks.filter(status=TaskStatus.RENDERING).first() if job else rendering_task()
    deliver(task, **claims)
    return reread(task)


def failing(task: Task, reason: str) -> Task:
    """The node gives up on the task."""
    feed()
    report(lease_of(task), protocol.Failed, reason=reason, detail="As the node says.")
    return reread(task)


class InspectionTests:
    def test_the_job_is_set_up_as_in_the_file(self):
        job = make_job(status=JobStatus.INSPECTING)
        found = Inspection(
            frame_start=3, frame_end=9, frame_step=2, width=640, height=361, percentage=50, samples=24, cameras=["A"]
        )
        assert services.record_inspection(job, found, NOW)
        reread(job)
        assert (job.status, job.frames, job.width, job.height, job.samples) == (JobStatus.READY, "3-9x2", 320, 180, 24)

    def test_an_answer_that_comes_twice_changes_nothing(self):
        job = make_job(status=JobStatus.INSPECTING)
        assert services.record_inspection(job, Inspection(), NOW)
        assert not services.record_inspection(job, Inspection(samples=9), NOW)
        assert not services.fail_inspection(job, Reason.SCENE_UNREADABLE, "", NOW)

    def test_a_file_that_cannot_be_read_ends_the_job_with_its_reason(self):
        job = make_job(status=JobStatus.INSPECTING)
        services.fail_inspection(job, Reason.SCENE_UNREADABLE, "Truncated.", NOW)
        reread(job)
        assert (job.status, job.failure, job.failure_detail) == (JobStatus.FAILED, "scene_unreadable", "Truncated.")


class UpdateSettingsTests:
    def test_settings_are_kept(self):
        job = make_job()
        settings = services.settings_of(job)
        job = services.update_settings(job, services.JobSettings(**{**_fields(settings), "frames": "1-9", "cap_micros": 5}))
        assert (job.frames, job.cap_micros) == ("1-9", 5)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("frames", "9-1"), ("width", 3), ("height", 99_999), ("samples", 0), ("format", "GIF"), ("tier", "free"),
            ("camera", "Nobody"), ("engine", "redshift"), ("name", " "), ("cap_micros", 0),
        ],
    )  # fmt: skip
    def test_what_cannot_be_rendered_is_refused_by_field(self, field, value):
        job = make_job()
        with pytest.raises(BadSettings) as refusal:
            services.update_settings(job, services.JobSettings(**{**_fields(services.settings_of(job)), field: value}))
        assert list(refusal.value.problems) == [field]

    def test_a_submitted_job_keeps_its_settings(self):
        job = make_job(status=JobStatus.QUEUED)
        with pytest.raises(StaleMove):
            services.update_settings(job, services.settings_of(job))


def _fields(settings) -> dict:
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__}


class SubmitTests:
    def test_tasks_work_and_hold_are_written_at_once(self):
        job = make_job(status=JobStatus.QUEUED, frames="1-100x2, 7")
        assert job.frame_count == job.tasks.count() == Work.objects.filter(kind="render", group=job.pk).count() == 50
        assert credit.hold_remaining(job.hold_id) == balance(job.owner).held_micros > 0

    def test_submitting_twice_is_refused_the_second_time(self):
        job = make_job(status=JobStatus.QUEUED)
        with pytest.raises(StaleMove):
            services.submit_job(job, NOW)
        assert job.tasks.count() == 3

    def test_without_credit_for_one_frame_nothing_is_written(self):
        job = make_job(owner=make_user("poor"))
        with pytest.raises(InsufficientCredit):
            services.submit_job(job, NOW)
        assert reread(job).status == JobStatus.READY
        assert not job.tasks.exists()
        assert not Work.objects.exists()

    def test_the_hold_never_exceeds_the_cap(self):
        job = make_job(status=JobStatus.QUEUED, frames="1-1000", width=3840, height=2160, samples=512, cap_micros=7_000)
        assert credit.hold_remaining(job.hold_id) == 7_000

    def test_a_creator_has_a_limited_number_of_jobs_at_work(self, monkeypatch):
        monkeypatch.setattr("rendering.quotas.JOBS_MAX", 1)
        job = make_job(status=JobStatus.QUEUED)
        with pytest.raises(QuotaExceeded):
            make_job(job.owner, status=JobStatus.QUEUED)

    def test_priority_comes_before_economy(self):
        alice = make_user("alice", credits=10)
        economy = make_job(alice, status=JobStatus.QUEUED, tier="economy")
        priority = make_job(alice, status=JobStatus.QUEUED, tier="priority")
        first = Work.objects.order_by("-tier", "sort", "id").first()
        assert (economy.pk, first.group) == (economy.pk, priority.pk)


class WholeRoadTests:
    def test_a_job_is_rendered_charged_and_completed(self, worker):
        job = make_job(status=JobStatus.QUEUED)
        finish_job(job)
        reread(job)
        assert (job.status, job.charged_micros, job.hold_id) == (JobStatus.COMPLETED, 3 * FRAME_MICROS, None)
        assert balance(job.owner).available_micros == 10 * MICROS - 3 * FRAME_MICROS

    def test_the_charge_is_split_and_told_to_the_node(self, worker):
        accepted_task(make_job(status=JobStatus.QUEUED))
        assert balance(worker.owner).pending_micros == FRAME_MICROS * 6 // 10
        tally = Tally.objects.get(worker=worker)
        assert (tally.tasks_accepted, tally.earned_micros, tally.busy_seconds) == (1, FRAME_MICROS * 6 // 10, 3.0)

    def test_a_node_is_given_the_mandated_seed(self, worker):
        task = rendering_task()
        assert task.attempts.get().seed == frame_seed(task.job.secret, task.frame)


class LeaseTests:
    def test_rates_and_shares_are_frozen_when_the_task_is_leased(self, worker):
        RateRule.objects.create(tier="standard", begins_at=NOW, rate_micros=500, worker_bp=7000, checkers_bp=0, network_bp=3000)
        task = rendering_task()
        RateRule.objects.create(tier="standard", begins_at=NOW + timedelta(seconds=1), rate_micros=1)
        deliver(task)
        check(task)
        assert reread(task).charged_micros == 1000
        assert balance(worker.owner).pending_micros == 700

    def test_a_rule_of_tomorrow_does_not_count_yet(self, worker):
        RateRule.objects.create(tier="standard", begins_at=NOW + timedelta(days=1), rate_micros=1)
        assert rendering_task().attempts.get().rate_micros == 100

    def test_a_task_that_no_node_brings_to_an_end_has_failed(self, worker, django_capture_on_commit_callbacks):
        job = make_job(status=JobStatus.QUEUED, frames="1")
        Work.objects.update(attempts=25)
        with django_capture_on_commit_callbacks(execute=True):
            feed()
        assert job.tasks.get().status == TaskStatus.FAILED
        assert reread(job).status == JobStatus.FAILED
        assert not Work.objects.exists()

    def test_the_work_of_a_job_that_pauses_meanwhile_is_not_given_out(self, worker):
        job = make_job(status=JobStatus.PAUSED)
        Work.objects.update(held=False)
        assert feed() == 0
        assert not job.tasks.exclude(status=TaskStatus.WAITING).exists()


class MoneyRunsOutTests:
    def poor_job(self, amount_micros: int, **fields) -> Job:
        owner = make_user("poor")
        give(owner, amount_micros)
        return make_job(owner, status=JobStatus.QUEUED, **fields)

    def test_credit_runs_out_in_the_middle_and_the_job_pauses_by_itself(self, worker, django_capture_on_commit_callbacks):
        job = self.poor_job(600, frames="1-9")
        with django_capture_on_commit_callbacks(execute=True):
            finish_job(job)
        reread(job)
        assert (job.status, job.pause_reason) == (JobStatus.PAUSED, PauseReason.CREDIT)
        assert 0 < job.charged_micros <= 600
        assert balance(job.owner).available_micros >= 0
        assert not Work.objects.filter(group=job.pk, held=False).exists()

    def test_a_top_up_lets_it_go_on_to_the_end(self, worker, django_capture_on_commit_callbacks):
        job = self.poor_job(600, frames="1-9")
        with django_capture_on_commit_callbacks(execute=True):
            finish_job(job)
            give(job.owner, MICROS)
        assert background.resume_jobs(job.owner_id) == 1
        with django_capture_on_commit_callbacks(execute=True):
            finish_job(job)
        reread(job)
        assert (job.status, job.charged_micros) == (JobStatus.COMPLETED, 9 * FRAME_MICROS)

    def test_nothing_resumes_without_credit(self, worker, django_capture_on_commit_callbacks):
        job = self.poor_job(600, frames="1-9")
        with django_capture_on_commit_callbacks(execute=True):
            finish_job(job)
        assert background.sweep_paused_jobs() == 0
        with pytest.raises(NotCovered):
            services.resume_job(job, job.owner, NOW)

    def test_the_cap_holds(self, worker, django_capture_on_commit_callbacks):
        job = make_job(status=JobStatus.QUEUED, frames="1-9", cap_micros=700)
        with django_capture_on_commit_callbacks(execute=True):
            finish_job(job)
        reread(job)
        assert (job.status, job.pause_reason) == (JobStatus.PAUSED, PauseReason.CAP)
        assert job.charged_micros <= 700

    def test_the_cap_bounds_the_charge_of_a_frame_that_is_dearer_than_expected(self, worker):
        task = checking_task()
        Job.objects.filter(pk=task.job_id).update(cap_micros=150)
        check(task)
        assert (reread(task).status, task.charged_micros) == (TaskStatus.ACCEPTED, 150)

    def test_a_cap_cannot_be_lowered_to_get_frames_in_work_for_nothing(self, worker):
        job = accepted_task(make_job(status=JobStatus.QUEUED)).job
        feed()
        task = checking_task(job)
        with pytest.raises(BadSettings, match="in work"):
            services.raise_cap(reread(job), FRAME_MICROS)
        check(task)
        assert reread(task).charged_micros == FRAME_MICROS

    def test_a_cap_can_be_lowered_to_what_frames_in_work_may_cost(self, worker):
        job = accepted_task(make_job(status=JobStatus.QUEUED)).job
        feed()
        in_work = job.tasks.filter(status=TaskStatus.RENDERING).count()
        services.raise_cap(reread(job), FRAME_MICROS + in_work * FRAME_MICROS * 5 // 4)
        services.raise_cap(reread(job), job.charged_micros + 10 * FRAME_MICROS)
        assert reread(job).cap_micros == 11 * FRAME_MICROS

    def test_raising_the_cap_lets_it_go_on(self, worker, django_capture_on_commit_callbacks):
        job = make_job(status=JobStatus.QUEUED, frames="1-9", cap_micros=700)
        with django_capture_on_commit_callbacks(execute=True):
            finish_job(job)
            services.raise_cap(job, None)
            finish_job(job)
        assert reread(job).charged_micros <= 9 * FRAME_MICROS
        assert job.status in {JobStatus.RENDERING, JobStatus.COMPLETED}

    def test_a_cap_below_what_is_charged_is_refused(self, worker):
        job = accepted_task(make_job(status=JobStatus.QUEUED)).job
        with pytest.raises(BadSettings):
            services.raise_cap(reread(job), 1)

    def test_a_frame_dearer_than_all_credit_costs_what_there_is(self, worker):
        job = self.poor_job(600, frames="1")
        feed()
        task = job.tasks.get()
        deliver(task, seconds=900, wall_seconds=1000)
        check(task)
        assert reread(task).status == TaskStatus.ACCEPTED
        assert task.charged_micros == 600
        assert balance(job.owner).available_micros == 0


class AcceptTests:
    def test_a_frame_is_charged_once_however_often_it_is_checked(self, worker):
        task = checking_task()
        number = task.attempt
        assert services.accept_task(task.pk, number, NOW)
        assert not services.accept_task(task.pk, number, NOW)
        assert not services.refuse_task(task.pk, number, Reason.BLACK, NOW)
        assert not check(task)
        assert reread(task.job).charged_micros == FRAME_MICROS

    def test_a_verdict_on_an_older_attempt_is_void(self, worker):
        task = checking_task()
        assert not services.accept_task(task.pk, task.attempt + 1, NOW)

    def test_the_clock_of_the_server_bounds_the_charge(self, worker):
        task = checking_task(seconds=500.0, wall_seconds=3.0)
        check(task)
        assert reread(task).charged_micros == 300

    def test_a_frame_whose_start_was_told_late_is_paid(self, worker):
        """The socket was away while two frames were rendered; all reports come at once when it is back."""
        make_job(status=JobStatus.QUEUED, frames="1-2")
        feed()
        first, second = Task.objects.order_by("frame")
        for task in (first, second):
            deliver(task, seconds=2.0, wall_seconds=0.0, now=NOW + timedelta(seconds=5))
            check(task)
        assert [reread(first).charged_micros, reread(second).charged_micros] == [FRAME_MICROS, FRAME_MICROS]

    def test_frames_told_at_once_share_the_time_since_the_lease(self, worker):
        make_job(status=JobStatus.QUEUED, frames="1-2")
        feed()
        first, second = Task.objects.order_by("frame")
        for task in (first, second):
            deliver(task, seconds=4.0, wall_seconds=0.0, now=NOW + timedelta(seconds=5))
            check(task)
        assert reread(second).charged_micros == FRAME_MICROS // 2

    def test_no_more_is_billed_than_a_frame_may_take(self, worker):
        task = checking_task(seconds=80_000.0, wall_seconds=80_000.0)
        check(task)
        assert reread(task).charged_micros == 3_600 * 100

    def test_a_fast_frame_that_costs_nothing_is_accepted(self, worker):
        task = checking_task(seconds=0.0)
        check(task)
        assert (reread(task).status, task.charged_micros) == (TaskStatus.ACCEPTED, 0)

    def test_peers_on_other_nodes_bound_the_charge(self, worker):
        job = make_job(status=JobStatus.QUEUED, frames="1-4")
        for frame in (1, 2, 3):
            accepted_task(job, frame)
        Attempt.objects.filter(outcome="accepted").update(worker=make_worker(make_user("walter")))
        task = job.tasks.get(frame=4)
        deliver(task, seconds=900, wall_seconds=900)
        check(task)
        assert reread(task).charged_micros == FRAME_MICROS * 5 // 4

    def test_the_other_nodes_of_an_owner_do_not_raise_the_bound_of_the_first(self, worker):
        job = make_job(status=JobStatus.QUEUED, frames="1-9")
        for frame in range(1, 9):
            accepted_task(job, frame)
        others = make_worker(make_user("walter"))
        Attempt.objects.filter(task__frame__lte=5).update(worker=make_worker(worker.owner), billable_ms=60_000)
        Attempt.objects.filter(task__frame__gt=5, outcome="accepted").update(worker=others)
        task = job.tasks.get(frame=9)
        deliver(task, seconds=900, wall_seconds=900)
        check(task)
        assert reread(task).charged_micros == FRAME_MICROS * 5 // 4

    def test_a_node_alone_is_not_its_own_peer(self, worker):
        job = make_job(status=JobStatus.QUEUED, frames="1-4")
        for frame in (1, 2, 3):
            accepted_task(job, frame)
        task = job.tasks.get(frame=4)
        deliver(task, seconds=4, wall_seconds=4)
        check(task)
        assert reread(task).charged_micros == 2 * FRAME_MICROS


class RefuseTests:
    @pytest.mark.parametrize(
        ("claims", "reason"),
        [
            ({"pixels_sha256": "0" * 64}, Reason.HASH_MISMATCH),
            ({"pixels": picture(1, 16, 9)}, Reason.WRONG_SIZE),
            ({"pixels": picture(1) * 0}, Reason.BLACK),
        ],
    )
    def test_a_frame_that_does_not_pass_is_rendered_again_at_no_cost(self, worker, claims, reason):
        task = checking_task(**claims)
        check(task)
        reread(task)
        assert (task.status, task.reason, task.charged_micros) == (TaskStatus.WAITING, reason, 0)
        assert Work.objects.filter(reference=task.pk, leased=False, attempts=1).exists()

    def test_the_next_attempt_is_for_another_node(self, worker):
        task = checking_task(pixels=picture(1) * 0)
        other = make_worker()
        check(task)
        feed()
        assert lease_of(task).worker_id == other.pk

    def test_a_frame_that_never_arrived(self, worker):
        task = checking_task()
        default_storage.delete(task.attempts.get().output.storage_key)
        check(task)
        assert reread(task).reason == Reason.FILE_MISSING

    def test_a_file_that_is_no_image(self, worker):
        task = checking_task()
        store_frame(task, 1, b"\x89PNG\r\n\x1a\n but not for long")
        check(task)
        assert reread(task).reason == Reason.UNDECODABLE

    def test_the_same_doubtful_pixels_twice_settle_the_doubt(self, worker):
        make_worker(make_user("walter"))
        task = checking_task(pixels=picture(1) * 0)
        check(task)
        feed()
        deliver(task, picture(1) * 0)
        check(task)
        reread(task)
        assert (task.status, task.attempt, task.attempts_used) == (TaskStatus.ACCEPTED, 2, 0)

    def test_one_picture_for_every_frame_is_noticed(self, worker):
        job = accepted_task(make_job(status=JobStatus.QUEUED)).job
        feed()
        task = job.tasks.get(frame=2)
        deliver(task, picture(1))
        check(task)
        assert reread(task).reason == Reason.DUPLICATE

    def test_a_liar_pays_with_the_tally_and_the_task_fails_after_three(self, worker, django_capture_on_commit_callbacks):
        job = make_job(status=JobStatus.QUEUED, frames="1")
        with django_capture_on_commit_callbacks(execute=True):
            for _ in range(3):
                feed()
                task = job.tasks.get()
                deliver(task, pixels_sha256="0" * 64)
                check(task)
        assert (reread(task).status, task.attempts_used) == (TaskStatus.FAILED, 3)
        assert Tally.objects.get(worker=worker).tasks_failed == 3
        reread(job)
        assert (job.status, job.failure, job.hold_id) == (JobStatus.FAILED, Reason.HASH_MISMATCH, None)
        assert balance(job.owner).available_micros == 10 * MICROS


class NodeFailureTests:
    def test_the_third_crash_is_the_last(self, worker):
        task = make_job(status=JobStatus.QUEUED, frames="1").tasks.get()
        statuses = [failing(task, "renderer_crashed").status for _ in range(3)]
        assert statuses == [TaskStatus.WAITING, TaskStatus.WAITING, TaskStatus.FAILED]
        assert not Work.objects.exists()

    def test_a_node_that_leaves_costs_no_attempt(self, worker):
        task = make_job(status=JobStatus.QUEUED, frames="1").tasks.get()
        for _ in range(5):
            failing(task, "shutting_down")
        assert (task.status, task.attempts_used) == (TaskStatus.WAITING, 0)

    def test_a_lost_lease_brings_the_frame_back(self, worker):
        task = rendering_task()
        queue.return_leases(Q(work__reference=task.pk), ReturnReason.LEASE_EXPIRED, now=NOW)
        assert (reread(task).status, task.attempts_used, task.reason) == (TaskStatus.WAITING, 0, Reason.LEASE_EXPIRED)

    def test_what_its_owner_s_pause_cuts_off_is_unpaid_and_costs_the_creator_nothing(self, worker):
        task = rendering_task()
        before = balance(task.job.owner)
        queue.stop_worker(lease_of(task).worker, now=NOW)
        assert (reread(task).status, task.attempts_used, task.reason) == (TaskStatus.WAITING, 0, Reason.PAUSED)
        assert balance(task.job.owner) == before
        assert not Tally.objects.exists()

    def test_a_late_report_of_an_older_attempt_changes_nothing(self, worker):
        task = rendering_task()
        old = lease_of(task)
        failing(task, "shutting_down")
        feed()
        answer = report(old, protocol.Done, result=result_of(picture(1)))
        assert answer.stale
        assert (reread(task).status, task.attempt) == (TaskStatus.RENDERING, 2)

    def test_done_twice_is_done_once(self, worker):
        task = rendering_task()
        held = lease_of(task)
        deliver(task)
        report(held, protocol.Done, result=result_of(picture(1)))
        check(task)
        report(held, protocol.Done, result=result_of(picture(1)))
        assert reread(task.job).charged_micros == FRAME_MICROS
        assert task.attempts.count() == 1

    def test_the_first_commitment_stands(self, worker):
        task = rendering_task()
        held = lease_of(task)
        report(held, protocol.Started)
        report(held, protocol.Rendered, result=result_of(picture(5)), now=NOW + timedelta(seconds=3))
        store_frame(task, held.attempt, png_bytes(picture(task.frame)))
        report(held, protocol.Done, result=result_of(picture(task.frame)))
        check(task)
        assert reread(task).reason == Reason.HASH_MISMATCH

    def test_an_attempt_has_room_for_the_file_it_committed_to_and_no_other(self, worker):
        task = rendering_task()
        held = lease_of(task)
        grant = report(held, protocol.Rendered, result=result_of(picture(5)))
        assert isinstance(grant, protocol.UploadGrant)
        assert isinstance(report(held, protocol.Rendered, result=result_of(picture(5))), protocol.UploadGrant)
        assert isinstance(report(held, protocol.Rendered, result=result_of(picture(6))), protocol.Cancel)
        assert reread(task).reason == Reason.OUTPUT_INVALID

    def test_a_file_larger_than_any_frame_of_this_size_has_no_place(self, worker):
        task = rendering_task()
        answer = report(lease_of(task), protocol.Rendered, result=result_of(picture(1), size_bytes=2 * 1024**2))
        assert isinstance(answer, protocol.Cancel)
        assert reread(task).reason == Reason.OUTPUT_INVALID

    def test_what_the_creator_must_mend_ends_the_job(self, worker):
        job = make_job(status=JobStatus.QUEUED)
        for _ in range(ATTEMPTS_MAX):
            failing(job.tasks.first(), "scene_unreadable")
        background.sweep_jobs()
        reread(job)
        assert (job.status, job.failure) == (JobStatus.FAILED, "scene_unreadable")
        assert not Work.objects.exists()
        assert not Lease.objects.exists()


class PauseTests:
    def test_what_waits_is_held_back_and_what_runs_goes_on(self, worker):
        task = rendering_task(frames="1-9")
        services.pause_job(task.job, task.job.owner, NOW)
        running = Lease.objects.count()
        feed()
        assert Lease.objects.count() == running
        deliver(task)
        check(task)
        assert reread(task).status == TaskStatus.ACCEPTED
        assert reread(task.job).status == JobStatus.PAUSED

    def test_resume_gives_the_work_out_again(self, worker):
        job = make_job(status=JobStatus.PAUSED)
        services.resume_job(job, job.owner, NOW)
        assert reread(job).status == JobStatus.QUEUED
        assert feed() > 0

    def test_a_paused_job_whose_last_frame_comes_in_is_completed(self, worker):
        job = make_job(status=JobStatus.RENDERING, frames="1")
        services.pause_job(job, job.owner, NOW)
        task = checking_task(job)
        check(task)
        assert reread(job).status == JobStatus.COMPLETED

    @pytest.mark.parametrize("status", [JobStatus.READY, JobStatus.PAUSED, JobStatus.COMPLETED, JobStatus.CANCELLED])
    def test_only_a_running_job_can_be_paused(self, status):
        job = make_job(status=status)
        with pytest.raises(StaleMove):
            services.pause_job(job, job.owner, NOW)

    def test_credit_does_not_resume_what_its_creator_paused(self):
        job = make_job(status=JobStatus.PAUSED)
        assert not services.resume_if_covered(job.pk, NOW)
        assert not Work.objects.filter(held=False).exists()


class CancelTests:
    def test_everything_stops_and_the_hold_is_given_back(self, worker):
        task = rendering_task(frames="1-9")
        services.cancel_job(task.job, task.job.owner, NOW)
        job = reread(task.job)
        assert (job.status, job.hold_id, job.charged_micros) == (JobStatus.CANCELLED, None, 0)
        assert set(job.tasks.values_list("status", flat=True)) == {TaskStatus.CANCELLED}
        assert not Work.objects.exists()
        assert balance(job.owner).available_micros == 10 * MICROS

    def test_a_frame_on_the_server_is_still_checked_charged_and_kept(self, worker):
        task = checking_task()
        services.cancel_job(task.job, task.job.owner, NOW)
        assert reread(task).status == TaskStatus.CHECKING
        assert reread(task.job).hold_id
        check(task)
        job = reread(task.job)
        assert (job.status, job.charged_micros, job.hold_id) == (JobStatus.CANCELLED, FRAME_MICROS, None)

    def test_a_bad_frame_of_a_cancelled_job_is_not_rendered_again(self, worker):
        task = checking_task(pixels_sha256="0" * 64)
        services.cancel_job(task.job, task.job.owner, NOW)
        check(task)
        background.sweep_jobs()
        assert reread(task).status == TaskStatus.CANCELLED
        assert not Work.objects.exists()
        assert reread(task.job).hold_id is None

    @pytest.mark.parametrize("status", [JobStatus.INSPECTING, JobStatus.READY, JobStatus.QUEUED, JobStatus.PAUSED])
    def test_a_job_can_be_cancelled_before_its_end(self, status):
        job = make_job(status=status)
        services.cancel_job(job, job.owner, NOW)
        assert reread(job).status == JobStatus.CANCELLED

    def test_a_completed_job_cannot(self, worker):
        job = make_job(status=JobStatus.COMPLETED, frames="1", worker=worker)
        with pytest.raises(StaleMove):
            services.cancel_job(job, job.owner, NOW)


class RequeueTests:
    def test_an_accepted_frame_is_rendered_and_paid_again(self, worker):
        job = make_job(status=JobStatus.COMPLETED, frames="1-2", worker=worker)
        task = job.tasks.get(frame=2)
        assert services.requeue_tasks(job, [task.pk], job.owner, NOW) == 1
        assert reread(job).status == JobStatus.QUEUED
        feed()
        deliver(task)
        check(task)
        reread(task)
        assert (task.status, task.attempt, task.charged_micros) == (TaskStatus.ACCEPTED, 2, 2 * FRAME_MICROS)
        assert reread(job).charged_micros == 3 * FRAME_MICROS
        assert job.status == JobStatus.COMPLETED

    def test_a_failed_frame_gets_three_new_attempts(self, worker):
        job = make_job(status=JobStatus.QUEUED, frames="1")
        task = job.tasks.get()
        for _ in range(3):
            failing(task, "renderer_crashed")
        services.refresh_job(job.pk, NOW)
        services.requeue_tasks(job, [task.pk], job.owner, NOW)
        accepted_task(job)
        reread(job)
        assert (job.status, job.failure) == (JobStatus.COMPLETED, "")

    def test_a_frame_of_a_paused_job_waits_with_it(self, worker, django_capture_on_commit_callbacks):
        job = accepted_task(make_job(status=JobStatus.QUEUED)).job
        services.pause_job(job, job.owner, NOW)
        with django_capture_on_commit_callbacks(execute=True):
            services.requeue_tasks(job, [job.tasks.get(frame=1).pk], job.owner, NOW)
        assert not Work.objects.filter(leased=False, held=False).exists()

    def test_a_running_frame_is_left_alone(self, worker):
        task = rendering_task()
        with pytest.raises(NothingToDo):
            services.requeue_tasks(task.job, [task.pk], task.job.owner, NOW)

    def test_a_frame_of_another_job_is_not_touched(self, worker):
        mine = make_job(status=JobStatus.QUEUED)
        theirs = make_job(make_user("bob", credits=1), status=JobStatus.COMPLETED, frames="1", worker=worker)
        with pytest.raises(NothingToDo):
            services.requeue_tasks(mine, [theirs.tasks.get().pk], mine.owner, NOW)


class QuoteTests:
    def test_frames_of_the_same_scene_make_the_range_narrow(self, worker):
        job = make_job(status=JobStatus.COMPLETED, frames="1-3", worker=worker)
        again = make_job(job.owner, scene=job.scene, frames="1-10")
        quote = services.quote(again, NOW)
        assert quote.basis == "from 3 rendered frames of this scene"
        assert quote.low_micros <= 10 * FRAME_MICROS <= quote.high_micros
        assert quote.frames == 10

    def test_twice_the_samples_cost_twice(self, worker):
        job = make_job(status=JobStatus.COMPLETED, frames="1-3", worker=worker)
        again = make_job(job.owner, scene=job.scene, frames="1-10", samples=2)
        assert services.quote(again, NOW).low_micros == pytest.approx(
            2 * services.quote(make_job(job.owner, scene=job.scene, frames="1-10"), NOW).low_micros, rel=0.01
        )

    def test_frames_of_others_say_nothing(self, worker):
        job = make_job(status=JobStatus.COMPLETED, frames="1-3", worker=worker)
        assert "narrows" in services.quote(make_job(make_user("bob"), scene=job.scene), NOW).basis


class SweepTests:
    def test_a_lost_hint_does_not_lose_a_frame(self, worker):
        task = checking_task()
        assert background.sweep_unchecked_tasks() == 1
        assert reread(task).status == TaskStatus.ACCEPTED

    def test_a_lost_refresh_is_made_up_for(self, worker):
        job = make_job(status=JobStatus.QUEUED)
        feed()
        background.sweep_jobs()
        assert reread(job).status == JobStatus.RENDERING

    def test_work_that_is_held_back_though_its_job_runs_is_let_go(self):
        job = make_job(status=JobStatus.QUEUED)
        Work.objects.update(held=True)
        background.sweep_jobs()
        assert not Work.objects.filter(group=job.pk, held=True).exists()

    def test_one_broken_frame_does_not_keep_the_others_from_being_checked(self, worker, monkeypatch):
        job = make_job(status=JobStatus.RENDERING)
        broken, fine = job.tasks.filter(status=TaskStatus.RENDERING)[:2]
        deliver(broken)
        feed()
        deliver(fine)
        judge = background.frames.judge
        monkeypatch.setattr(background.frames, "judge", lambda each: 1 / 0 if each.task_id == broken.pk else judge(each))
        assert background.sweep_unchecked_tasks() == 1
        assert reread(fine).status == TaskStatus.ACCEPTED

    def test_every_reserve_is_at_least_something(self):
        assert holds.reserve_micros(make_job(), NOW) > 0
