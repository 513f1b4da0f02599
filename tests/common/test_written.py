"""Queries that are written once: the same rows as Django's own, whatever the values; what they cannot do, they refuse."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Count, QuerySet

from common.written import written_once
from rendering.models import Job
from tests.builders import make_job, make_user, make_worker
from workers.models import Tally, Worker

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


class RowsTests:
    def test_each_call_has_its_own_values(self, alice, django_assert_num_queries):
        bob = make_user("bob")
        make_worker(alice, name="one"), make_worker(alice, name="two"), make_worker(bob, name="three")

        @written_once
        def names(owner_id: int) -> QuerySet:
            return Worker.objects.filter(owner=owner_id).order_by("name").values_list("name", flat=True)

        with django_assert_num_queries(3):
            assert [names(alice.pk), names(bob.pk), names(alice.pk)] == [["one", "two"], ["three"], ["one", "two"]]

    def test_rows_are_models_with_relations_and_annotations(self, alice):
        make_job(alice, status="ready", name="Teapot")

        @written_once
        def jobs(owner_id: int) -> QuerySet[Job]:
            return Job.objects.filter(owner=owner_id).select_related("scene").annotate(frames_made=Count("tasks"))

        for _ in range(2):
            (job,) = jobs(alice.pk)
            assert (job.name, job.frames_made) == ("Teapot", Job.objects.get().tasks.count())
            assert "scene" in job._state.fields_cache

    def test_times_may_be_moved_and_days_are_days(self, alice):
        worker = make_worker(alice, connected_at=NOON)
        worker.tallies.create(day_on=NOON.date())

        @written_once
        def connected(now: datetime) -> QuerySet:
            return Worker.objects.filter(connected_at__gt=now - WEEK, connected_at__lt=now + WEEK)

        @written_once
        def tallies(day) -> QuerySet:
            return Tally.objects.filter(day_on=day)

        assert [len(connected(NOON + days * WEEK)) for days in (-2, 0, 0.5, 2)] == [0, 1, 1, 0]
        assert [len(tallies((NOON + timedelta(days=days)).date())) for days in (-1, 0)] == [0, 1]

    def test_words_are_compared(self, alice):
        for name in ("one", "two"):
            make_worker(alice, name=name)

        @written_once
        def named(name: str) -> QuerySet:
            return Worker.objects.filter(name=name)

        assert [[node.name for node in named(name)] for name in ("two", "one", "three")] == [["two"], ["one"], []]

    def test_lists_may_be_of_any_length(self, alice):
        ids = tuple(make_worker(alice, name=name).pk for name in ("one", "two", "three"))

        @written_once
        def found(ids: tuple[int, ...]) -> QuerySet:
            return Worker.objects.filter(pk__in=ids)

        assert [len(found(some)) for some in (ids, ids[:1], (), ids[1:], ids)] == [3, 1, 0, 2, 3]


class RefusalTests:
    def test_a_value_that_the_query_does_not_use(self):
        with pytest.raises(TypeError, match="says nothing of"):
            written_once(lambda owner_id: Worker.objects.all())(1)

    def test_a_value_that_cannot_be_left_open(self):
        with pytest.raises(TypeError, match="cannot be left open"):
            written_once(lambda ratio: Worker.objects.filter(score_milli__gt=ratio))(1.5)

    def test_words_that_are_looked_for_inside_others(self):
        with pytest.raises(TypeError, match="may compare words"):
            written_once(lambda name: Worker.objects.filter(name__contains=name))("atelier")

    def test_a_time_that_became_a_day(self):
        with pytest.raises(TypeError, match="may move a time"):
            written_once(lambda now: Tally.objects.filter(day_on=now.date(), worker__connected_at=now))(NOON)
