"""Reports and verdicts come in batches: the same few statements for many, and a report out of place changes nothing."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pictor_agent import protocol
from rendering import frames, services
from rendering.models import Attempt, JobEvent, Output, Task
from rendering.services import Passed
from rendering.states import JobStatus, TaskStatus
from tests.builders import NOW, deliver, feed, lease_of, make_job, make_worker, picture, png_bytes, result_of, store_frame
from workers import services as queue
from workers.kinds import FinishedReport, ReturnedReport
from workers.models import Lease, Tally, Work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ledger_in_order")]
FEW, MANY = 2, 40


def rendering_tasks(number: int) -> list[Task]:
    """Tasks of one job, each on a node of its own."""
    for _ in range(number):
        make_worker()
    job = make_job(status=JobStatus.QUEUED, frames=f"1-{number}")
    feed()
    tasks = [task for task in job.tasks.order_by("frame") if task.status == TaskStatus.RENDERING]
    assert len(tasks) == number
    return tasks


def say(tasks: list[Task], kind: type, *, now=NOW, attempt: int = 0, **fields) -> list:
    """All nodes report at once."""
    leases = {lease.work.reference: lease for lease in Lease.objects.select_related("work")}
    reports = []
    for task in tasks:
        lease, more = leases[task.pk], dict(fields)
        if kind in {protocol.Rendered, protocol.Done}:
            more["result"] = result_of(picture(task.frame))
        message = kind(work_id=lease.work_id, attempt=attempt or lease.attempt, **more)
        reports.append(queue.Incoming(lease.worker_id, message))
    return queue.record(reports, now)


def deliver_all(tasks: list[Task]) -> None:
    say(tasks, protocol.Rendered, now=NOW + timedelta(seconds=3))
    for task in tasks:
        store_frame(task, task.attempt, png_bytes(picture(task.frame)))
    say(tasks, protocol.Done, now=NOW + timedelta(seconds=4))


def statements(step) -> int:
    with CaptureQueriesContext(connection) as captured:
        step()
    return len(captured)


def started(number: int) -> int:
    tasks = rendering_tasks(number)
    return statements(lambda: say(tasks, protocol.Started))


def rendered(number: int) -> int:
    tasks = rendering_tasks(number)
    return statements(lambda: say(tasks, protocol.Rendered))


def finished(number: int) -> int:
    tasks = rendering_tasks(number)
    return statements(lambda: say(tasks, protocol.Done))


def returned(number: int) -> int:
    leases = [(task, lease_of(task)) for task in rendering_tasks(number)]
    reports = [ReturnedReport(lease.work_id, task.pk, lease.worker_id, lease.attempt, "node_gone") for task, lease in leases]
    return statements(lambda: services.return_tasks(reports, NOW))


def accepted(number: int) -> int:
    tasks = rendering_tasks(number + 1)  # one is left, so that the job goes on and keeps its hold
    say(tasks, protocol.Started)
    deliver_all(tasks)
    passed = [Passed(task.pk, 1) for task in tasks[:number]]
    return statements(lambda: services.accept_tasks(passed, NOW))


@pytest.mark.parametrize("road", [started, rendered, finished, returned, accepted])
def test_many_cost_as_many_statements_as_few(road):
    road(FEW)  # accounts are made with the first movement
    assert road(MANY) == road(FEW)


class ReportTests:
    def test_a_batch_ends_with_every_frame_accepted_and_paid_once(self):
        tasks = rendering_tasks(5)
        say(tasks, protocol.Started)
        deliver_all(tasks)
        assert frames.check_all([task.pk for task in tasks]) == {task.pk for task in tasks}
        assert frames.check_all([task.pk for task in tasks]) == set()
        job = tasks[0].job
        job.refresh_from_db()
        assert (job.status, job.charged_micros, job.hold_id, job.dearest_micros) == (JobStatus.COMPLETED, 1_000, None, 200)
        assert set(Attempt.objects.values_list("outcome", "charged_micros")) == {("accepted", 200)}
        assert sum(Tally.objects.values_list("tasks_accepted", flat=True)) == 5
        assert JobEvent.objects.filter(became="accepted").count() == 5

    def test_in_a_batch_only_the_reports_of_live_attempts_count(self):
        tasks = rendering_tasks(3)
        Task.objects.filter(pk=tasks[1].pk).update(attempt=2)
        services.finish_tasks([queue_finished(task) for task in tasks], NOW)
        assert [task.status for task in Task.objects.order_by("frame")] == ["checking", "rendering", "checking"]
        assert Output.objects.count() == 2

    def test_a_batch_that_comes_twice_changes_nothing(self):
        tasks = rendering_tasks(3)
        reports = [queue_finished(task) for task in tasks]
        services.finish_tasks(reports, NOW)
        lines = JobEvent.objects.count()
        services.finish_tasks(reports, NOW)
        services.render_tasks(reports, NOW)
        services.start_tasks(reports, NOW)
        assert (Output.objects.count(), JobEvent.objects.count()) == (3, lines)
        assert not Attempt.objects.exclude(started_at=None).exists()

    def test_of_two_commitments_in_one_batch_the_first_stands(self):
        [task] = rendering_tasks(1)
        lease = lease_of(task)
        first, second = result_of(picture(1)), result_of(picture(2))
        answers = queue.record(
            [
                queue.Incoming(lease.worker_id, protocol.Rendered(work_id=lease.work_id, attempt=1, result=result))
                for result in (first, second)
            ],
            NOW,
        )
        assert isinstance(answers[0], protocol.UploadGrant)
        assert answers[1] is None
        assert Attempt.objects.get().file_sha256 == first.file_sha256

    def test_failures_of_a_batch_are_counted_for_each_node(self):
        tasks = rendering_tasks(3)
        say(tasks, protocol.Failed, reason="renderer_crashed")
        assert [task.attempts_used for task in Task.objects.all()] == [1, 1, 1]
        assert list(Tally.objects.values_list("tasks_failed", flat=True)) == [1, 1, 1]
        assert Work.objects.filter(leased=False).count() == 3


def queue_finished(task: Task) -> FinishedReport:
    lease = lease_of(task)
    return FinishedReport(lease.work_id, task.pk, lease.worker_id, lease.attempt, result_of(picture(task.frame)))


class AcceptTogetherTests:
    def test_frames_of_several_jobs_are_each_charged_to_their_own(self):
        make_worker(slots=4)
        jobs = [make_job(status=JobStatus.QUEUED, frames="1-2") for _ in range(2)]
        for _ in range(2):
            feed()
            for task in Task.objects.filter(status=TaskStatus.RENDERING):
                deliver(task)
        passed = [Passed(task.pk, 1) for task in Task.objects.filter(status=TaskStatus.CHECKING)]
        assert len(services.accept_tasks(passed, NOW)) == 4
        for job in jobs:
            job.refresh_from_db()
            assert (job.status, job.charged_micros) == (JobStatus.COMPLETED, 400)

    def test_what_credit_does_not_cover_is_given_to_the_first(self):
        tasks = rendering_tasks(3)
        deliver_all(tasks)
        type(tasks[0].job).objects.update(cap_micros=500)
        services.accept_tasks([Passed(task.pk, 1) for task in tasks], NOW)
        assert list(Task.objects.order_by("frame").values_list("charged_micros", flat=True)) == [200, 200, 100]

    def test_of_two_equal_frames_of_one_batch_one_is_doubted(self):
        tasks = rendering_tasks(2)
        for task in tasks:
            deliver(task, picture(7))
        assert len(frames.check_all([task.pk for task in tasks])) == 2
        assert sorted(Task.objects.values_list("status", "reason")) == [("accepted", ""), ("waiting", "duplicate")]

    def test_a_frame_that_breaks_acceptance_is_left_out_alone(self, monkeypatch):
        tasks = rendering_tasks(4)
        deliver_all(tasks)
        accept_tasks = services.accept_tasks

        def breaking(passed, now):
            assert tasks[2].pk not in [each.task_id for each in passed]
            return accept_tasks(passed, now)

        monkeypatch.setattr(services, "accept_tasks", breaking)
        assert frames.check_all([task.pk for task in tasks]) == {task.pk for task in tasks} - {tasks[2].pk}
