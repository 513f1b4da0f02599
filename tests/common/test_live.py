"""The live socket through Channels' communicator, with real sessions and a real Valkey."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.security.websocket import OriginValidator
from django.db import connections
from django.test import Client

from common import live
from common.hub import hub
from common.live import SIGNED_OUT, TOO_MUCH, LiveConsumer, read_message
from common.realtime import ACCESS, announce, push
from tests.sockets import Socket

pytestmark = pytest.mark.django_db(transaction=True)

SITE = "http://testserver"
TOPICS = {"job": lambda user, key: key != "13"}


@pytest.fixture(autouse=True)
async def fresh_hub():
    yield
    await hub().close()
    await sync_to_async(connections.close_all)()


@pytest.fixture
def session(alice):
    browser = Client()
    browser.force_login(alice)
    return browser


WATCHERS = {"job": lambda key, token: (key, token) == ("1", "v_good")}


def socket_of(browser: Client | None, origin: str = SITE, path: str = "/live") -> Socket:
    app = OriginValidator(AuthMiddlewareStack(LiveConsumer.as_asgi(topics=TOPICS, watchers=WATCHERS)), [SITE])
    headers = [(b"origin", origin.encode())] if origin else []
    if browser:
        headers.append((b"cookie", f"sessionid={browser.cookies['sessionid'].value}".encode()))
    return Socket(app, path, headers)


def watcher_from(address: str) -> Socket:
    """Nobody's socket for a watch page, from this address."""
    watcher = socket_of(None, path="/live?watch")
    watcher.scope["client"] = (address, 50_000)
    return watcher


@pytest.fixture
async def socket(session):
    one = socket_of(session)
    assert await one.connect()
    yield one
    await one.leave()


class ConnectTests:
    async def test_another_sites_page_gets_no_socket(self, session):
        for origin in ["https://evil.example", "http://testserver:9000", "https://testserver", ""]:
            assert not await socket_of(session, origin).connect()

    async def test_nobody_is_told_that_they_are_signed_out(self):
        socket = socket_of(None)
        assert await socket.connect()
        assert await socket.close_code() == SIGNED_OUT

    async def test_one_person_cannot_hold_any_number_of_sockets(self, session, monkeypatch):
        monkeypatch.setattr(live, "SOCKETS_PER_USER_MAX", 1)
        first, second = socket_of(session), socket_of(session)
        await first.connect()
        assert await first.ask(join="job:1") == {"joined": "job:1"}
        await second.connect()
        assert await second.close_code() == TOO_MUCH
        await first.leave()
        third = socket_of(session)
        await third.connect()
        assert await third.ask(join="job:1") == {"joined": "job:1"}
        await third.leave()


class WatchTests:
    """Pages that anybody with a link may open."""

    async def test_a_token_opens_its_own_topic_and_no_other(self):
        watcher = socket_of(None, path="/live?watch")
        assert await watcher.connect()
        assert await watcher.ask(join="job:1", token="v_good") == {"joined": "job:1"}
        for refused in [{"join": "job:2", "token": "v_good"}, {"join": "job:2", "token": "v_bad"}, {"join": "job:2"}]:
            assert await watcher.ask(**refused) == {"refused": "job:2"}
        await asyncio.to_thread(announce, "job:1", "frames")
        assert (await watcher.hear()) == {"topic": "job:1", "changed": ["frames"]}
        await watcher.leave()

    async def test_a_token_that_was_taken_back_hears_nothing_more(self, monkeypatch):
        watcher = socket_of(None, path="/live?watch")
        await watcher.connect()
        assert await watcher.ask(join="job:1", token="v_good") == {"joined": "job:1"}
        await asyncio.to_thread(announce, "job:1", ACCESS)
        assert (await watcher.hear()) == {"topic": "job:1", "changed": [ACCESS]}
        monkeypatch.setitem(WATCHERS, "job", lambda key, token: False)
        await asyncio.to_thread(announce, "job:1", "frames", ACCESS)
        assert await watcher.hear() == {"refused": "job:1"}
        assert "job:1" not in hub().topics
        await watcher.leave()

    async def test_there_is_an_end_to_anonymous_sockets(self, monkeypatch):
        monkeypatch.setattr(live, "ANONYMOUS_MAX", 0)
        watcher = socket_of(None, path="/live?watch")
        await watcher.connect()
        assert await watcher.close_code() == TOO_MUCH

    async def test_one_address_cannot_take_them_all(self, monkeypatch):
        monkeypatch.setattr(live, "WATCHERS_PER_ADDRESS_MAX", 1)
        first, second, other = (watcher_from(address) for address in ("203.0.113.9", "203.0.113.9", "198.51.100.7"))
        await first.connect()
        assert await first.ask(join="job:1", token="v_good") == {"joined": "job:1"}
        await second.connect()
        assert await second.close_code() == TOO_MUCH
        await other.connect()
        assert await other.ask(join="job:1", token="v_good") == {"joined": "job:1"}
        await first.leave()
        await other.leave()
        assert not live._sockets


class JoinTests:
    async def test_a_visible_topic_is_joined_and_its_hints_arrive(self, socket):
        assert await socket.ask(join="job:1") == {"joined": "job:1"}
        await asyncio.to_thread(announce, "job:1", "frames", "cost")
        assert (await socket.hear()) == {"topic": "job:1", "changed": ["cost", "frames"]}

    async def test_gauges_are_pushed(self, socket):
        await socket.ask(join="job:1")
        await asyncio.to_thread(push, "job:1", {"load": 0.5})
        assert (await socket.hear()) == {"topic": "job:1", "gauges": {"load": 0.5}}

    @pytest.mark.parametrize("topic", ["job:13", "film:1", "session:abc"])
    async def test_what_one_may_not_see_is_refused(self, socket, topic):
        assert await socket.ask(join=topic) == {"refused": topic}
        await asyncio.to_thread(announce, topic, "frames")
        assert await socket.receive_nothing(0.2)

    async def test_a_topic_that_was_left_is_silent(self, socket):
        await socket.ask(join="job:1")
        await socket.tell(leave="job:1")
        await socket.ask(join="job:2")
        await asyncio.to_thread(announce, "job:1", "frames")
        await asyncio.to_thread(announce, "job:2", "cost")
        assert (await socket.hear())["topic"] == "job:2"

    async def test_joins_have_a_limit(self, socket, monkeypatch):
        monkeypatch.setattr(live, "JOINS_MAX", 2)
        assert "joined" in await socket.ask(join="job:1")
        assert "joined" in await socket.ask(join="job:2")
        assert await socket.ask(join="job:3") == {"refused": "job:3"}

    async def test_too_many_messages_close_the_socket(self, socket, monkeypatch):
        monkeypatch.setattr(live, "MESSAGES_MAX", 3)
        for _ in range(4):
            await socket.tell(leave="job:1")
        assert await socket.close_code() == TOO_MUCH

    async def test_a_burst_of_hints_reaches_the_page_as_a_few_messages(self, socket):
        await socket.ask(join="job:1")
        await asyncio.to_thread(lambda: [announce("job:1", "frames") for _ in range(500)])
        messages = 0
        while not await socket.receive_nothing(0.3):
            await socket.hear()
            messages += 1
        assert 1 <= messages <= 10

    async def test_departure_leaves_no_subscription(self, session):
        socket = socket_of(session)
        await socket.connect()
        await socket.ask(join="job:1")
        await socket.leave()
        assert hub().topics == frozenset()


class SignOutTests:
    async def test_signing_out_closes_the_sockets_of_that_session_only(self, session, alice):
        other = Client()
        await sync_to_async(other.force_login)(alice)
        here, elsewhere = socket_of(session), socket_of(other)
        for socket in (here, elsewhere):
            await socket.connect()
            await socket.ask(join="job:1")
        await sync_to_async(session.logout)()
        assert await here.close_code() == SIGNED_OUT
        await asyncio.to_thread(announce, "job:1", "frames")
        assert (await elsewhere.hear())["topic"] == "job:1"
        await elsewhere.leave()


class ReadMessageTests:
    @pytest.mark.parametrize(
        "text",
        [None, "", "[]", "3", "{", "{}", '{"join": 1}', '{"join": "job"}', '{"join": "job:../x"}', '{"join": "JOB:1"}',
         '{"join": "job:1", "leave": "job:1"}', '{"kill": "job:1"}', '{"join": "job:1\\n"}', '{"join": "' + "a" * 500 + '"}'],
    )  # fmt: skip
    def test_anything_else_is_nothing(self, text):
        assert read_message(text) == ("", "", "")

    def test_a_token_may_come_with_it(self):
        assert read_message('{"join": "job:12", "token": "v_x-1"}') == ("join", "job:12", "v_x-1")
        assert read_message('{"join": "job:12", "token": 7}') == ("", "", "")
        assert read_message('{"join": "job:12", "token": "<x>"}') == ("", "", "")

    def test_the_two_verbs(self):
        assert read_message('{"join": "job:12"}') == ("join", "job:12", "")
        assert read_message('{"leave": "worker:3"}') == ("leave", "worker:3", "")
