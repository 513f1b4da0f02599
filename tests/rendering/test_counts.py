"""The counts of tasks are those of the tasks, whatever changes them, before and after they are folded."""

from contextlib import closing

import pytest
from django.db import connection

from common import clock
from rendering.counts import FOLD_ABOVE, fold_counts
from rendering.models import Job, Task, TaskCount
from rendering.presentation import Reading
from rendering.states import TaskStatus
from tests.builders import make_job

pytestmark = pytest.mark.django_db


def counted(job) -> dict[str, int]:
    return Task.objects.counts_by_job([job]).get(job.pk, {})


def make_tasks(job, number: int) -> None:
    Task.objects.bulk_create(Task(job=job, frame=frame) for frame in range(number))


@pytest.fixture
def job():
    return make_job()


class TriggerTests:
    def test_new_tasks_are_counted(self, job):
        make_tasks(job, 5)
        assert counted(job) == {"waiting": 5}

    def test_moved_tasks_are_counted_where_they_are(self, job):
        make_tasks(job, 5)
        Task.objects.filter(job=job, frame__lt=2).update(status=TaskStatus.RENDERING)
        Task.objects.filter(job=job, frame=0).update(status=TaskStatus.CHECKING)
        assert counted(job) == {"waiting": 3, "rendering": 1, "checking": 1}

    def test_a_change_of_something_else_adds_no_row(self, job):
        make_tasks(job, 5)
        rows = TaskCount.objects.count()
        Task.objects.filter(job=job).update(attempt=7)
        assert TaskCount.objects.count() == rows

    def test_two_jobs_are_counted_apart(self, job):
        other = make_job()
        make_tasks(job, 2)
        make_tasks(other, 3)
        Task.objects.update(status=TaskStatus.CANCELLED)
        assert Task.objects.counts_by_job([job, other]) == {job.pk: {"cancelled": 2}, other.pk: {"cancelled": 3}}

    def test_deleted_tasks_count_no_more_and_a_job_can_be_deleted(self, job):
        make_tasks(job, 5)
        Task.objects.filter(job=job, frame=0).delete()
        assert counted(job) == {"waiting": 4}
        job.delete()
        fold_counts(limit=10)
        assert not TaskCount.objects.sums().exists()


class FoldTests:
    def many_rows(self, job) -> None:
        make_tasks(job, FOLD_ABOVE)
        for frame in range(FOLD_ABOVE):
            Task.objects.filter(job=job, frame=frame).update(status=TaskStatus.ACCEPTED if frame % 2 else TaskStatus.FAILED)

    def test_many_rows_become_one_per_status_and_say_the_same(self, job):
        self.many_rows(job)
        before = counted(job)
        assert fold_counts(limit=10) == 1
        assert counted(job) == before == {"accepted": FOLD_ABOVE // 2, "failed": FOLD_ABOVE // 2}
        assert TaskCount.objects.filter(job=job).count() == 2

    def test_few_rows_are_left_alone(self, job):
        make_tasks(job, 5)
        assert fold_counts(limit=10) == 0

    def test_no_more_jobs_than_asked_are_folded_at_once(self, job):
        self.many_rows(job)
        self.many_rows(make_job())
        assert [fold_counts(limit=1), fold_counts(limit=1), fold_counts(limit=1)] == [1, 1, 0]


@pytest.mark.django_db(transaction=True)
def test_a_change_while_it_is_folded_is_not_lost():
    """A fold waits for nobody and loses nothing: what is added meanwhile stays beside the sum."""
    job = make_job()
    FoldTests().many_rows(job)
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE rendering_task SET status = 'cancelled' WHERE job_id = %s AND frame = 0", [job.pk])
        fold_counts(limit=10)
        cursor.execute("COMMIT")
    assert counted(job) == {"accepted": FOLD_ABOVE // 2, "failed": FOLD_ABOVE // 2 - 1, "cancelled": 1}


class ReadingTests:
    def test_sums_and_map_say_the_same(self, job):
        make_tasks(job, 200)
        Task.objects.filter(job=job, frame__lt=7).update(status=TaskStatus.ACCEPTED)
        Task.objects.filter(job=job, frame=9).update(status=TaskStatus.FAILED)
        Job.objects.filter(pk=job.pk).update(frame_count=200)
        job.refresh_from_db()
        sums, mapped = Reading(job, clock.now()), Reading(job, clock.now())
        assert mapped.cells
        assert sums.counts == mapped.counts
        assert (sums.counts.accepted, sums.counts.failed, sums.counts.waiting) == (7, 1, 192)
        assert sums.refused == mapped.refused == 0
        assert "_map" not in vars(sums)
