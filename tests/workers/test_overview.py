"""What a node is told of itself, for the page on its own machine."""

from datetime import timedelta

import pytest

from pictor_agent import protocol
from tests.workers import builders
from tests.workers.builders import NOW, worker
from tests.workers.scripted import ScriptedNode, db
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


@pytest.mark.django_db(transaction=True)
class LineTests:
    @pytest.fixture
    async def node(self):
        owner = await db(builders.user)
        made = await db(services.create_worker, owner, "attic", now=NOW)
        enrolment = await db(services.new_config, made, now=gateway.clock.now())
        token = enrolment.split('token = "')[1].split('"')[0]
        node = ScriptedNode(made.uid, token=token)
        await node.sign_on()
        yield node
        await node.close()
        await gateway.switchboard.current().stop()

    async def test_it_is_told_when_it_asks(self, node):
        await node.say(protocol.AskOverview())
        told = await node.hear(protocol.Overview)
        assert told.url.endswith(f"/workers/{(await db(Worker.objects.get)).pk}/")

    async def test_who_asks_all_the_time_is_told_once_in_a_while(self, node, monkeypatch):
        asked = []
        monkeypatch.setattr(
            services, "overview_of", lambda worker_id, **_: asked.append(worker_id) or protocol.Overview(stands="x")
        )
        for _ in range(5):
            await node.say(protocol.AskOverview())
        await node.say(protocol.NeedUrls(work_id=1, attempt=1))
        await node.hear(protocol.Cancel)  # everything before is done by now
        assert len(asked) == 1
