"""The live socket of a page: may you see this topic? join, forward. It sends hints and gauges, writes nothing.

From the page:  {"join": "job:12"}  {"join": "job:12", "token": "v_..."}  {"leave": "job:12"}
To the page:    {"joined": "job:12"}  {"refused": "job:12", "retry": true}  {"topic": "job:12", "changed": [...], "gauges": {...}}
"""

import asyncio
import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from common.hub import HubDown, hub
from common.limits import address_of_socket
from common.mailboxes import EVERYTHING, Hint, Mailbox
from common.realtime import ACCESS, announce

TOPIC = re.compile(r"[a-z]{1,20}:[A-Za-z0-9_-]{1,40}")
TOKEN = re.compile(r"[A-Za-z0-9_-]{0,64}")
MESSAGE_CHARACTERS_MAX = 200
JOINS_MAX = 50  # topics of one socket
MESSAGES_MAX = 120  # of one socket in MESSAGES_SECONDS: a page with many topics, and swaps that come and go
MESSAGES_SECONDS = 10.0
SOCKETS_PER_USER_MAX = 30  # in one process: tabs

SIGNED_OUT = 4401  # close codes of our own; the page knows them
TOO_MUCH = 4429
TRY_LATER = 1013

ANONYMOUS_MAX = 2_000  # sockets of one process that belong to nobody: watch pages
WATCHERS_PER_ADDRESS_MAX = 100  # of these: a school or an office behind one address

MayJoin = Callable[[Any, str], bool]
MayWatch = Callable[[str, str], bool]

# Live sockets of this process by whose they are; those of watch pages count for their address and for all watchers.
_sockets: Counter = Counter()


def session_topic(session_key: str) -> str:
    """The inner topic that ends a session's sockets; a hash, since topics travel through Redis and logs."""
    return "session:" + hashlib.sha256(f"live:{session_key}:{settings.SECRET_KEY}".encode()).hexdigest()[:40]


def announce_session_ended(session_key: str) -> None:
    """Close the sockets of a session that has just been deleted."""
    announce(session_topic(session_key), "ended")


class LiveConsumer(AsyncWebsocketConsumer):
    """One page's socket. `topics` maps the first part of a topic to the query that decides who may join it.

    `watchers` does so for people who are not signed in and bring a token with the topic; theirs is the address with ?watch.
    """

    channel_layer_alias = "none"  # the hub forwards; a channel layer would subscribe to Redis once per socket

    def __init__(self, *, topics: Mapping[str, MayJoin], watchers: Mapping[str, MayWatch] | None = None) -> None:
        super().__init__()
        self.topics, self.watchers = topics, watchers or {}

    async def connect(self) -> None:
        self.user = self.scope["user"]
        self.mailbox = Mailbox(self._send_pending)
        self.joined: set[str] = set()
        self.tokens: dict[str, str] = {}  # of the topics that a token opened
        self.counted_as: list = []
        self.session_topic = session_topic(self.scope["session"].session_key or "")
        self.signed_out = False
        self.window_started, self.window_messages = 0.0, 0
        self.watches = self.scope["query_string"] == b"watch"
        await self.accept()
        if not self.user.is_authenticated and not self.watches:
            await self.close(SIGNED_OUT)
        elif any(_sockets[whose] >= limit for whose, limit in self._limits().items()):
            await self.close(TOO_MUCH)
        else:
            await self._begin()

    def _limits(self) -> dict:
        """Under which names this socket is counted, and how many each may have."""
        if self.user.is_authenticated:
            return {self.user.pk: SOCKETS_PER_USER_MAX}
        return {"watchers": ANONYMOUS_MAX, address_of_socket(self.scope): WATCHERS_PER_ADDRESS_MAX}

    async def _begin(self) -> None:
        self.counted_as = list(self._limits())
        _sockets.update(self.counted_as)
        if not self.user.is_authenticated:  # no session that could end
            return
        try:
            await hub().join(self.session_topic, self.mailbox)
        except HubDown:
            await self.close(TRY_LATER)
            return
        if not await self._is_signed_in():  # the session may have ended before the hub listened
            await self._sign_out()

    async def _sign_out(self) -> None:
        """Once: the first look and the session's own hint may both find that it has ended."""
        if not self.signed_out:
            self.signed_out = True
            self.mailbox.close()
            await self.close(SIGNED_OUT)

    async def _is_signed_in(self) -> bool:
        """Read the session again: does it still belong to this user?"""
        session_key = self.scope["session"].session_key
        session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
        user = await get_user({"session": session})
        return user.is_authenticated and user.pk == self.user.pk

    async def disconnect(self, code: int) -> None:
        self.mailbox.close()
        if self.counted_as:
            _sockets.subtract(self.counted_as)
            _sockets.__iadd__(Counter())  # drops zeros
        for topic in {*self.joined, self.session_topic}:
            await hub().leave(topic, self.mailbox)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        verb, topic, token = read_message(text_data)
        if not verb or self._is_too_fast(time.monotonic()):
            await self.close(TOO_MUCH)
        elif verb == "join":
            await self._join(topic, token)
        else:
            await self._leave(topic)

    def _is_too_fast(self, now: float) -> bool:
        """Count a message; True when a window of MESSAGES_SECONDS holds too many."""
        if now - self.window_started > MESSAGES_SECONDS:
            self.window_started, self.window_messages = now, 0
        self.window_messages += 1
        return self.window_messages > MESSAGES_MAX

    async def _join(self, topic: str, token: str) -> None:
        if topic in self.joined:
            return
        if len(self.joined) >= JOINS_MAX or not await self._may_join(topic, token):
            await self._say({"refused": topic})
            return
        try:
            await hub().join(topic, self.mailbox)
        except HubDown:
            await self._say({"refused": topic, "retry": True})
            return
        self.joined.add(topic)
        if token:
            self.tokens[topic] = token
            if not await self._may_join(topic, token):  # it may have been taken back before the hub listened
                await self._turn_out(topic)
                return
        await self._say({"joined": topic})

    async def _may_join(self, topic: str, token: str) -> bool:
        """Ask the app that owns this kind of topic; an unknown kind is nobody's."""
        kind, _, key = topic.partition(":")
        if token:
            may_watch = self.watchers.get(kind)
            return may_watch is not None and await database_sync_to_async(may_watch)(key, token)
        may_join = self.topics.get(kind)
        is_signed_in = self.user.is_authenticated
        return is_signed_in and may_join is not None and await database_sync_to_async(may_join)(self.user, key)

    async def _leave(self, topic: str) -> None:
        if topic in self.joined:
            self.joined.discard(topic)
            self.tokens.pop(topic, None)
            await hub().leave(topic, self.mailbox)

    async def _send_pending(self, pending: Mapping[str, Hint]) -> None:
        """Forward hints. Most need no question, and this ends in the hub's own step (common.eagerly)."""
        if self.session_topic in pending:
            await asyncio.sleep(0)  # in a task of its own
            if not await self._is_signed_in():
                await self._sign_out()
                return
        for topic, hint in pending.items():
            if topic != self.session_topic:
                await self._forward(hint)

    async def _forward(self, hint: Hint) -> None:
        """The hint; where a token opened the topic and access may have changed, only if it still opens it."""
        token = self.tokens.get(hint.topic)
        if token and hint.changed & {ACCESS, EVERYTHING}:
            await asyncio.sleep(0)  # in a task of its own
            if not await self._may_join(hint.topic, token):
                await self._turn_out(hint.topic)
                return
        await self.send(text_data=hint.text)

    async def _turn_out(self, topic: str) -> None:
        await self._leave(topic)
        await self._say({"refused": topic})

    async def _say(self, words: dict) -> None:
        await self.send(text_data=json.dumps(words, separators=(",", ":")))


def read_message(text: str | None) -> tuple[str, str, str]:
    """("join" or "leave", topic, token or ""), or three empty words for anything else."""
    nothing = ("", "", "")
    try:
        message = dict(json.loads((text or "")[: MESSAGE_CHARACTERS_MAX + 1]))
        token = message.pop("token", "")
        ((verb, topic),) = message.items()
    except (ValueError, AttributeError, TypeError):
        return nothing
    if verb not in {"join", "leave"} or not isinstance(topic, str) or not TOPIC.fullmatch(topic):
        return nothing
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        return nothing
    return verb, topic, token
