"""Plain HTTP over connections that are kept, for what a node sends again and again.

For a small frame httpx takes some 2 ms of processor time, this a fifth. It knows neither proxies nor redirects: where there
is a proxy, and after a failure, the caller uses httpx.
"""

import asyncio
import contextlib
import http.client
import select
import socket
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

SECONDS = 30.0
BROKEN = (OSError, http.client.HTTPException)
KINDS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}


@dataclass(frozen=True)
class Answer:
    status_code: int
    headers: Mapping[str, str]  # letter case does not matter


@dataclass(eq=False)
class KeptLine:
    """Idle connections by (scheme, host and port); one request at a time on each."""

    idle: dict[tuple[str, str], list[http.client.HTTPConnection]] = field(default_factory=dict)

    @cached_property
    def is_usable(self) -> bool:
        return not urllib.request.getproxies()

    async def patch(self, url: str, *, content: bytes, headers: dict[str, str]) -> Answer:
        """Send, in a thread. Cancelled, it hangs up at once.

        Raises:
            One of BROKEN.
        """
        parts = urlsplit(url)
        place = parts.scheme, parts.netloc
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        line = self._take(place)
        try:
            answer, is_kept = await asyncio.to_thread(_exchange, line, path, content, headers)
        except BaseException:
            _hang_up(line)
            raise
        if is_kept:
            self.idle.setdefault(place, []).append(line)
        return answer

    def _take(self, place: tuple[str, str]) -> http.client.HTTPConnection:
        lines = self.idle.get(place, [])
        while lines:
            if not _is_dropped(line := lines.pop()):
                return line
            line.close()
        return KINDS[place[0]](place[1], timeout=SECONDS)


def _exchange(line, path: str, content: bytes, headers: dict[str, str]) -> tuple[Answer, bool]:
    line.request("PATCH", path, content, headers)
    answer = line.getresponse()
    answer.read()
    return Answer(answer.status, answer.headers), not answer.will_close


def _is_dropped(line: http.client.HTTPConnection) -> bool:
    """An idle line that has something to say was closed at its other end."""
    if line.sock is None:
        return True
    poll = select.poll()
    poll.register(line.sock, select.POLLIN)
    return bool(poll.poll(0))


def _hang_up(line: http.client.HTTPConnection) -> None:
    """Also under a thread that waits on it, which then fails; it closes what is left."""
    if line.sock is not None:
        with contextlib.suppress(OSError):
            line.sock.shutdown(socket.SHUT_RDWR)
    line.close()
