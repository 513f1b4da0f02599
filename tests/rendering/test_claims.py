"""Work of a process that was killed is taken over at once; a picture that kills whoever looks at it is refused in the end."""

import psycopg
import pytest
from django.conf import settings
from django.core.cache import cache

from rendering import background, frames, looks, services
from rendering.claims import TAKE, claimed
from rendering.models import JobEvent
from rendering.states import JobStatus, TaskStatus
from tests.builders import deliver, make_job, make_worker
from tests.stories.creator import await_that

pytestmark = pytest.mark.django_db


@pytest.fixture
def task():
    """Its frame lies on the server, unchecked."""
    task = make_job(status=JobStatus.RENDERING, worker=make_worker()).tasks.filter(status=TaskStatus.RENDERING).first()
    deliver(task)
    return task


def status(task) -> str:
    task.refresh_from_db()
    return task.status


@pytest.fixture
def other_process():
    """A session of its own in the same database, as another process has."""
    name = settings.DATABASES["default"]
    with psycopg.connect(
        host=name["HOST"], port=name["PORT"], user=name["USER"], password=name["PASSWORD"], dbname=name["NAME"], autocommit=True
    ) as session:
        yield session


def take(session: psycopg.Connection, kind: str, ids: list[int]) -> list[int]:
    return [pk for (pk,) in session.execute(TAKE, [ids, kind]).fetchall()]


class ClaimTests:
    def test_a_frame_that_another_process_looks_at_is_left_to_it(self, task, other_process):
        assert take(other_process, "check", [task.pk]) == [task.pk]
        assert background.check_frames([task.pk]) == 0
        assert status(task) == TaskStatus.CHECKING

    def test_when_that_process_dies_the_next_look_takes_the_frame_over(self, task, other_process):
        take(other_process, "check", [task.pk])
        other_process.close()
        await_that(background.sweep_unchecked_tasks, "PostgreSQL has noticed")
        assert status(task) == TaskStatus.ACCEPTED

    def test_a_claim_ends_with_its_block_even_when_that_breaks(self, other_process):
        def works() -> None:
            with claimed("film", [1, 2]) as mine:
                assert mine == [1, 2]
                assert take(other_process, "film", [1, 2, 3]) == [3]
                raise MemoryError

        with pytest.raises(MemoryError):
            works()
        assert take(other_process, "film", [1, 2]) == [1, 2]

    def test_claims_of_different_kinds_are_apart(self, other_process):
        with claimed("film", [1]):
            assert take(other_process, "merge", [1]) == [1]


class DeadlyPictureTests:
    def test_after_three_processes_it_is_refused_unpaid_and_the_frame_goes_elsewhere(self, task, ended_while_looking):
        attempt = task.attempts.get()
        ended_while_looking("attempt", attempt.pk)
        background.check_frames([task.pk])
        attempt.refresh_from_db()
        assert (attempt.outcome, attempt.charged_micros, status(task)) == ("undecodable", 0, TaskStatus.WAITING)
        assert "ended by it" in JobEvent.objects.get(task=task, became=TaskStatus.WAITING).detail

    def test_a_film_that_ends_its_makers_is_given_up_in_words(self, ended_while_looking):
        film = services.start_film(make_job(status=JobStatus.COMPLETED, frames="1"))
        ended_while_looking("film", film.pk)
        background.sweep_films()
        film.refresh_from_db()
        assert "ended by it" in film.failure

    def test_two_kills_do_not_condemn_an_honest_frame(self, task, ended_while_looking):
        ended_while_looking("attempt", task.attempts.get().pk, times=looks.LOOKS_MAX - 1)
        background.check_frames([task.pk])
        assert status(task) == TaskStatus.ACCEPTED

    def test_a_look_that_breaks_by_an_error_is_not_counted(self, task, monkeypatch):
        def breaks(*_):
            raise MemoryError

        monkeypatch.setattr(frames, "examine", breaks)
        for _ in range(looks.LOOKS_MAX + 1):
            background.check_frames([task.pk])
        assert cache.get(f"rendering:look:attempt:{task.attempts.get().pk}") is None
