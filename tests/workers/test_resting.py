"""Nodes that rest: their state is true at once, their history is told at most once a minute."""

from datetime import timedelta

import pytest

from tests.workers.builders import NOW, worker
from workers import renewal, resting
from workers.models import Worker, WorkerEvent

pytestmark = pytest.mark.django_db

IN_USE, WORKS = "in_use", ""


@pytest.fixture
def nudged(monkeypatch) -> list[str]:
    """One element for every time that the feeder was woken."""
    calls = []
    monkeypatch.setattr(resting, "nudge_on_commit", lambda: calls.append("nudged"))
    return calls


def beat(*nodes: Worker, rests: str, after: float = 0) -> None:
    """One heartbeat of each, so many seconds after NOW."""
    seen = {node.pk: renewal.Seen(node.connection_epoch, rests) for node in nodes}
    renewal.renew(seen, [], now=NOW + timedelta(seconds=after))


def told(node: Worker) -> list[tuple[str, float]]:
    """The kinds of its events, with the seconds since NOW."""
    return [(event.kind, (event.at - NOW).total_seconds()) for event in WorkerEvent.objects.filter(worker=node).order_by("at")]


def test_the_first_change_is_told_at_once():
    node = worker()
    beat(node, rests=IN_USE)
    assert told(node) == [("resting", 0)]
    assert WorkerEvent.objects.get().detail == resting.LINES["in_use"]


def test_a_node_that_flickers_is_told_once_a_minute_and_never_stands_otherwise_than_it_says(nudged):
    node = worker()
    for second in range(600):
        beat(node, rests=WORKS if second % 2 else IN_USE, after=second)
        node.refresh_from_db()
        assert node.resting == ("" if second % 2 else "in_use")
    assert len(told(node)) <= 10
    assert len(nudged) <= 10


def test_the_history_catches_up_with_what_was_too_soon_to_be_told(nudged):
    node = worker()
    beat(node, rests=IN_USE)
    for second in (20, 40, 60, 80):
        beat(node, rests=WORKS, after=second)
    assert told(node) == [("resting", 0), ("rested", 60)]
    assert nudged == ["nudged"]


def test_a_change_that_was_taken_back_within_the_minute_is_not_told():
    node = worker()
    beat(node, rests=IN_USE)
    beat(node, rests=WORKS, after=20)
    beat(node, rests=IN_USE, after=40)
    beat(node, rests=IN_USE, after=120)
    assert told(node) == [("resting", 0)]


def test_the_feeder_is_not_woken_by_nodes_that_begin_to_rest(nudged):
    beat(worker(), rests=IN_USE)
    assert nudged == []


def test_pages_look_again_whether_or_not_it_is_told(monkeypatch):
    node, looked = worker(), []
    monkeypatch.setattr("workers.events.announce_on_commit", lambda topic, *_: looked.append(topic))
    beat(node, rests=IN_USE)
    looked.clear()
    beat(node, rests=WORKS, after=1)
    assert looked == [f"worker:{node.pk}", f"user:{node.owner_id}"]


def test_many_nodes_are_told_in_as_few_statements_as_one(django_assert_max_num_queries):
    nodes = [worker() for _ in range(20)]
    with django_assert_max_num_queries(5):  # a savepoint, the heartbeats, the lines, the savepoint's end
        beat(*nodes, rests=IN_USE)
    assert WorkerEvent.objects.filter(kind="resting").count() == 20
