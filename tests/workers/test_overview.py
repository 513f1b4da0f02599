"""What a node is told of itself, for the page on its own machine."""

import threading
from datetime import timedelta

import pytest

from pictor_agent import protocol
from tests.workers import builders
from tests.workers.builders import NOW, worker
from tests.workers.scripted import WAIT_SECONDS, ScriptedNode, db, until
from workers import gateway, services
from workers.models import Tally, Worker
from workers.overview import overview_of


@pytest.mark.django_db
class WordsTests:
    def test_it_says_what_was_earned_today_and_in_seven_days(self):
        node = worker()
        for days, micros in ((0, 5), (1, 70), (6, 600), (7, 9_000)):
            Tally.objects.create(worker=node, day_on=NOW.date() - timedelta(days=days), earned_micros=micros)
        Tally.objects.create(worker=worker(), day_on=NOW.date(), earned_micros=10**6)
        told = overview_of(node.pk, now=NOW)
        assert (told.earned_today_micros, told.earned_week_micros) == (5, 675)

    def test_it_names_the_page_and_says_how_the_node_stands_there(self, settings):
        node = worker()
        told = overview_of(node.pk, now=NOW)
        assert told.url == f"{settings.SITE_URL}/workers/{node.pk}/"
        assert (told.stands, told.is_open) == ("Online, idle", True)
        assert told.why

    def test_a_node_that_is_paused_on_the_site_says_so(self):
        node = worker(status="paused")
        told = overview_of(node.pk, now=NOW)
        assert (told.stands, told.why, told.is_open) == ("Paused", "Paused by its owner.", False)

    def test_one_that_rests_by_itself_is_open_as_far_as_the_site_goes(self):
        told = overview_of(worker(resting="paused_here").pk, now=NOW)
        assert told.is_open
        assert "paused on the machine itself" in told.why


async def signed_on(name: str) -> ScriptedNode:
    made = await db(services.create_worker, await db(builders.user), name, now=NOW)
    enrolment = await db(services.new_config, made, now=gateway.clock.now())
    node = ScriptedNode(made.uid, token=enrolment.split('token = "')[1].split('"')[0])
    await node.sign_on()
    await until(lambda: Worker.objects.filter(uid=made.uid, status="online").exists())
    return node


async def looked_at(node: ScriptedNode) -> None:
    """Whatever it said before has come in."""
    await node.say(protocol.NeedUrls(work_id=1, attempt=1))
    await node.hear(protocol.Cancel)


class Slow:
    """A service that begins, and ends only when the test lets it."""

    def __init__(self, answer=None) -> None:
        self.answer, self.asked, self.may_end = answer, [], threading.Event()

    def __call__(self, worker_id: int, *_, **__):
        self.asked.append(worker_id)
        assert self.may_end.wait(WAIT_SECONDS)
        return self.answer


@pytest.mark.django_db(transaction=True)
class LineTests:
    @pytest.fixture
    async def node(self):
        node = await signed_on("attic")
        yield node
        await node.close()
        await gateway.switchboard.current().stop()

    @pytest.fixture
    async def other(self, node):
        other = await signed_on("barn")
        yield other
        await other.close()

    @pytest.fixture
    def slow(self, monkeypatch):
        slow = Slow(protocol.Overview(stands="x"))
        monkeypatch.setattr(services, "overview_of", slow)
        yield slow
        slow.may_end.set()

    async def test_it_is_told_when_it_asks(self, node):
        await node.say(protocol.AskOverview())
        told = await node.hear(protocol.Overview)
        assert told.url.endswith(f"/workers/{(await db(Worker.objects.get)).pk}/")

    async def test_who_asks_all_the_time_is_told_once_in_a_while(self, node, slow):
        slow.may_end.set()
        await node.say(protocol.AskOverview())
        await node.hear(protocol.Overview)
        for _ in range(5):
            await node.say(protocol.AskOverview())
        await looked_at(node)
        assert len(slow.asked) == 1

    async def test_its_heartbeats_do_not_wait_for_it(self, node, slow):
        await node.say(protocol.AskOverview())
        await until(lambda: slow.asked)
        await node.say(protocol.Heartbeat(resting="too_hot"))
        await until(lambda: Worker.objects.get().resting == "too_hot")
        slow.may_end.set()
        await node.hear(protocol.Overview)

    async def test_a_question_that_would_wait_for_another_is_dropped_and_may_be_asked_again(self, node, other, slow):
        await node.say(protocol.AskOverview())
        await until(lambda: slow.asked)
        await other.say(protocol.AskOverview())
        await looked_at(other)
        slow.may_end.set()
        await node.hear(protocol.Overview)
        assert len(slow.asked) == 1
        await other.say(protocol.AskOverview())
        await other.hear(protocol.Overview)

    async def test_it_is_not_given_while_a_commitment_is_looked_at(self, node, other, slow, toy, monkeypatch):
        """Both together would keep every doorman from who signs on."""
        looking = Slow()
        monkeypatch.setattr(toy, "committed", staticmethod(looking), raising=False)
        await db(builders.enqueue, 1)
        await db(builders.feed)
        held = await db(builders.lease, 1)
        holder, asker = (node, other) if (await db(lambda: held.worker.name)) == "attic" else (other, node)
        await holder.hear(protocol.Assign)
        await holder.say(protocol.Committed(work_id=held.work_id, attempt=1, root=b"r" * 32))
        await until(lambda: looking.asked)
        await asker.say(protocol.AskOverview())
        await looked_at(asker)
        looking.may_end.set()
        await holder.hear(protocol.Cancel)
        assert slow.asked == []

    async def test_one_that_fails_costs_the_node_nothing_else(self, node, monkeypatch):
        monkeypatch.setattr(services, "overview_of", None)
        await node.say(protocol.AskOverview())
        await looked_at(node)
