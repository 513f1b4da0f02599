"""Hints from Redis to this process's sockets: one subscription per process and topic, fanned out here.

Nothing queues up (common.mailboxes): a slow socket costs a bounded amount of memory and sees the latest state. One hub per
event loop; all of it runs on that loop.
"""

import asyncio
import random
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import redis.asyncio as aioredis
import structlog
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from common.mailboxes import EVERYTHING, Hint, Mailbox
from common.realtime import PREFIX

READ_SECONDS = 15.0  # between looks at the connection's health
CONFIRM_SECONDS = 5.0  # for Redis to confirm a subscription
BACKOFF_SECONDS = (0.1, 5.0)  # first and longest pause before Redis is tried again
IDLE_CHANNEL = PREFIX  # keeps the connection subscribed while nobody follows anything

log = structlog.get_logger(__name__)


class HubDown(Exception):
    """Redis does not answer now; the page polls meanwhile."""


@dataclass
class Followers:
    """Who in this process follows one topic; `confirmed` while Redis has the subscription, `broken` after it was lost."""

    mailboxes: set[Mailbox] = field(default_factory=set)
    confirmed: asyncio.Event = field(default_factory=asyncio.Event)
    broken: bool = False

    def tell(self, hint: Hint) -> None:
        for mailbox in tuple(self.mailboxes):  # a page that may see this no more leaves at once
            mailbox.put(hint)


class Hub:
    """This process's one connection to the hints."""

    def __init__(self, url: str) -> None:
        self._redis = aioredis.Redis.from_url(
            url, socket_timeout=None, socket_connect_timeout=5, socket_keepalive=True,
            health_check_interval=30, retry=Retry(NoBackoff(), 0), decode_responses=True,
        )  # fmt: skip
        self._topics: dict[str, Followers] = {}
        self._order = asyncio.Lock()  # subscribe and unsubscribe of one topic must not overtake each other
        self._pubsub = None
        self._runner: asyncio.Task | None = None

    @property
    def topics(self) -> frozenset[str]:
        return frozenset(self._topics)

    async def join(self, topic: str, mailbox: Mailbox) -> None:
        """Deliver the hints of `topic` to `mailbox`; on return Redis has the subscription, so none is missed.

        Raises:
            HubDown: Redis does not answer; nothing was joined.
        """
        self._start()
        async with self._order:
            followers = self._topics.setdefault(topic, Followers())
            followers.mailboxes.add(mailbox)
            if not followers.confirmed.is_set():
                await self._tell("subscribe", topic)
        try:
            await asyncio.wait_for(followers.confirmed.wait(), CONFIRM_SECONDS)
        except TimeoutError:
            await self.leave(topic, mailbox)
            raise HubDown(topic) from None

    async def leave(self, topic: str, mailbox: Mailbox) -> None:
        """Stop delivering; the last follower's departure ends the subscription."""
        async with self._order:
            mailbox.forget(topic)
            followers = self._topics.get(topic)
            if followers is None or mailbox not in followers.mailboxes:
                return
            followers.mailboxes.remove(mailbox)
            if not followers.mailboxes:
                del self._topics[topic]
                await self._tell("unsubscribe", topic)

    async def close(self) -> None:
        """End the connection; for tests and the process's shutdown."""
        if self._runner:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        await self._redis.aclose()

    def _start(self) -> None:
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run(), name="live-hub")

    async def _tell(self, verb: str, topic: str) -> None:
        """Send a command now if there is a connection; a new connection subscribes to all topics anyway."""
        if self._pubsub is None:
            return
        try:
            await getattr(self._pubsub, verb)(PREFIX + topic)
        except (RedisError, OSError):
            pass  # the reader notices and reconnects

    async def _run(self) -> None:
        """Follow Redis for ever; after a lost connection everything may have changed."""
        pause = BACKOFF_SECONDS[0]
        while True:
            try:
                await self._connect()
                pause = BACKOFF_SECONDS[0]
                while True:
                    self._deliver(await self._pubsub.get_message(timeout=READ_SECONDS))
            except (RedisError, OSError) as error:
                log.warning("live_hub_disconnected", error=str(error))
            finally:
                await self._disconnect()
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            pause = min(pause * 2, BACKOFF_SECONDS[1])

    async def _connect(self) -> None:
        """A new connection with all topics of this moment."""
        async with self._order:
            pubsub = self._redis.pubsub()
            await pubsub.subscribe(IDLE_CHANNEL, *(PREFIX + topic for topic in self._topics))
            self._pubsub = pubsub

    async def _disconnect(self) -> None:
        pubsub, self._pubsub = self._pubsub, None
        for followers in self._topics.values():
            followers.broken = followers.broken or followers.confirmed.is_set()
            followers.confirmed.clear()
        if pubsub is not None:
            await pubsub.aclose()

    def _deliver(self, message: dict | None) -> None:
        """Hand one message of Redis to the followers of its topic."""
        if message is None or message["channel"] == IDLE_CHANNEL:
            return
        topic = message["channel"].removeprefix(PREFIX)
        followers = self._topics.get(topic)
        if followers is None:
            return
        if message["type"] == "subscribe":
            self._confirm(topic, followers)
        elif message["type"] == "message":
            try:
                followers.tell(Hint.read(topic, message["data"]))
            except ValueError:
                log.warning("live_hint_unreadable", topic=topic)

    def _confirm(self, topic: str, followers: Followers) -> None:
        """The subscription stands; those who followed before it was lost must look again."""
        if followers.broken:
            followers.tell(Hint(topic, frozenset({EVERYTHING})))
        followers.broken = False
        followers.confirmed.set()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub(settings.REDIS_URL)
    return _hubs[loop]
