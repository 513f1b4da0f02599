"""Frames that come close together are looked at together; one that comes alone, or ends its job, at once."""

import json

import pytest

from common import realtime
from rendering import background, gathering
from rendering.gathering import FRAMES, LOOKED, QUEUED, TOGETHER
from rendering.services.progress import LAST
from rendering.states import JobStatus, TaskStatus
from tests.builders import deliver, make_job, make_worker

pytestmark = pytest.mark.django_db
LONG_MS = 3_600_000


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """Around changes: what they asked for on commit is done."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def looked_just_now():
    realtime.connection().set(LOOKED, 1, px=LONG_MS)


def asked() -> list[bool]:
    """For each look that is queued, the first one first: is it put off?"""
    headers = [json.loads(message)["headers"] for message in realtime.connection().lrange("background", 0, -1)[::-1]]
    looks = [header for header in headers if header["task"] == "rendering.background.check_gathered"]
    return [header["eta"] is not None for header in looks]


def begun(frames: str):
    """A task that a node renders."""
    job = make_job(status=JobStatus.RENDERING, worker=make_worker(), frames=frames)
    return job.tasks.filter(status=TaskStatus.RENDERING).first()


class AskTests:
    def test_a_frame_that_comes_alone_is_looked_at_at_once(self, committed):
        with committed():
            gathering.ask_on_commit([1], at_once=False)
        assert asked() == [False]

    def test_those_that_follow_share_one_look_a_moment_later(self, committed, looked_just_now):
        with committed():
            gathering.ask_on_commit([1, 2], at_once=False)
            gathering.ask_on_commit([3], at_once=False)
        assert asked() == [True]
        assert gathering.take() == [1, 2, 3]

    def test_after_a_look_another_may_be_asked_for(self, committed, looked_just_now):
        realtime.connection().set(QUEUED, 1, px=LONG_MS)
        gathering.take()
        with committed():
            gathering.ask_on_commit([1], at_once=False)
        assert len(asked()) == 1

    def test_more_than_one_process_looks_at_are_passed_on(self, committed, looked_just_now):
        with committed():
            gathering.ask_on_commit(range(TOGETHER + 1), at_once=False)
        assert gathering.take() == list(range(TOGETHER))
        assert asked() == [True, False]
        assert gathering.take() == [TOGETHER]
        assert len(asked()) == 2

    def test_what_nobody_takes_is_forgotten(self, committed):
        with committed():
            gathering.ask_on_commit([1], at_once=True)
        assert 0 < realtime.connection().ttl(FRAMES) <= gathering.KEPT_SECONDS


class FinishTests:
    def test_the_last_frame_of_a_job_does_not_wait(self, committed, looked_just_now):
        task = begun("1")
        with committed():
            deliver(task)
        assert asked() == [False]
        assert background.check_gathered() == 1
        task.refresh_from_db()
        assert task.status == TaskStatus.ACCEPTED

    @pytest.mark.parametrize(("left", "waits"), [(LAST, False), (LAST + 1, True)])
    def test_it_may_wait_while_more_than_a_few_others_are_to_be_rendered(self, committed, looked_just_now, left, waits):
        with committed():
            deliver(begun(f"1-{1 + left}"))
        assert asked() == [waits]
