"""What topics have to tell a socket: hints, and the mailbox that merges those which its socket cannot take yet."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import structlog

from common import eagerly

EVERYTHING = "*"  # a changed word: anything may have changed, look again
WORDS_MAX = 32  # changed words kept per topic; more become EVERYTHING
GAUGES_MAX = 256  # gauges kept per topic; more are dropped
APART_SECONDS = 0.1  # between two sends to one socket: what comes meanwhile is merged

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Hint:
    """What one topic has to tell; thousands of sockets share one, and the text of it."""

    topic: str
    changed: frozenset[str] = frozenset()
    gauges: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, topic: str, text: str) -> "Hint":
        """From what Redis carries (common.realtime).

        Raises:
            ValueError: it is none.
        """
        try:
            hint = json.loads(text)
            changed, gauges = frozenset(hint.get("changed", ())), dict(hint.get("gauges", {}))
        except (TypeError, AttributeError) as error:
            raise ValueError(str(error)) from error
        if not all(isinstance(word, str) for word in changed):
            raise ValueError(f"not words: {changed}")
        return cls(topic).merged(cls(topic, changed, gauges))

    def merged(self, later: "Hint") -> "Hint":
        """Both in one, within bounds: the later gauge counts."""
        changed = self.changed | later.changed
        gauges = {**self.gauges}
        for name, value in later.gauges.items():
            if name in gauges or len(gauges) < GAUGES_MAX:
                gauges[name] = value
        return Hint(self.topic, changed if len(changed) <= WORDS_MAX else frozenset({EVERYTHING}), gauges)

    @cached_property
    def text(self) -> str:
        """The message to the page: changed words, gauges, or both."""
        words: dict[str, Any] = {"topic": self.topic}
        if self.changed:
            words["changed"] = sorted(self.changed)
        if self.gauges:
            words["gauges"] = dict(self.gauges)
        return json.dumps(words, separators=(",", ":"))


Send = Callable[[Mapping[str, Hint]], Coroutine[Any, Any, None]]


class Mailbox:
    """The hints of one socket: sent at once where the socket is free, otherwise one pending per topic, later ones merged.

    `send` gets the pending hints by topic. While it waits (a slow socket), or within APART_SECONDS, they gather here.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._pending: dict[str, Hint] = {}
        self._busy: asyncio.Task | asyncio.TimerHandle | None = None
        self._free_at = 0.0  # by the loop's clock

    def put(self, hint: Hint) -> None:
        earlier = self._pending.get(hint.topic)
        self._pending[hint.topic] = earlier.merged(hint) if earlier else hint
        if self._busy is None:
            self._empty_when_free()

    def forget(self, topic: str) -> None:
        self._pending.pop(topic, None)

    def close(self) -> None:
        """Send nothing any more; may be called by `send` itself."""
        if self._busy is not None and self._busy is not asyncio.current_task():
            self._busy.cancel()
        self._send = _drop

    def _empty_when_free(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now >= self._free_at:
            self._free_at = now + APART_SECONDS
            self._empty()
        else:
            self._busy = loop.call_at(self._free_at, self._empty_later)

    def _empty_later(self) -> None:
        self._busy = None
        if self._pending:
            self._free_at = asyncio.get_running_loop().time() + APART_SECONDS
            self._empty()

    def _empty(self) -> None:
        pending, self._pending = self._pending, {}
        task = eagerly.start(self._send_all(pending))
        if task is not None:
            self._busy = task
            task.add_done_callback(self._sent)

    async def _send_all(self, pending: Mapping[str, Hint]) -> None:
        try:
            await self._send(pending)
        except OSError:
            pass  # the page has gone; its socket's end is told by itself
        except Exception:
            log.exception("live_send_failed")

    def _sent(self, _task: asyncio.Task) -> None:
        self._busy = None
        if self._pending:
            self._empty_when_free()


async def _drop(_pending: Mapping[str, Hint]) -> None:
    """Where hints go once the socket is closed."""
