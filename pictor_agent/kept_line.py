"""Plain HTTP over connections that are kept, for what a node sends again and again.

For a small frame httpx takes some 2 ms of processor time, this a tenth: it starts no thread and reads no more of an answer
than it needs. It knows neither proxies nor redirects: where there is a proxy, and after a failure, the caller uses httpx.
"""

import asyncio
import urllib.request
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

import httpx

SECONDS = 30.0
BYTES_PER_SECOND_MIN = 16 << 10  # a line that is slower counts as cut
BROKEN = (OSError, EOFError, ValueError, asyncio.LimitOverrunError)
PORTS = {"http": 80, "https": 443}
WITHOUT_BODY = (204, 304)

Place = tuple[str, str, int]  # scheme, host, port


@dataclass(frozen=True)
class Answer:
    status_code: int
    headers: httpx.Headers


@dataclass(eq=False)
class Line:
    """One connection; one request at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def is_dropped(self) -> bool:
        return self.reader.at_eof() or self.writer.is_closing()

    async def exchange(self, head: bytes, content: bytes) -> tuple[Answer, bool]:
        """Send, and read the answer; True when another request may follow."""
        self.writer.write(head)
        self.writer.write(content)
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip().split("\r\n")
        version, status = first.split(" ")[:2]
        headers = httpx.Headers([(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)])
        answer = Answer(int(status), headers)
        is_kept = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        return answer, is_kept and await self._passes_body(answer)

    async def _passes_body(self, answer: Answer) -> bool:
        """Nobody reads it; False where its end is not known, so that nothing can follow."""
        if answer.status_code in WITHOUT_BODY:
            return True
        if not answer.headers.get("content-length", "").isdecimal():
            return False
        await self.reader.readexactly(int(answer.headers["content-length"]))
        return True

    def hang_up(self) -> None:
        """At once, whatever has not been sent."""
        self.writer.transport.abort()


@dataclass(eq=False)
class KeptLine:
    """Idle connections by place."""

    idle: dict[Place, list[Line]] = field(default_factory=dict)

    @cached_property
    def is_usable(self) -> bool:
        return not urllib.request.getproxies()

    async def patch(self, url: str, *, content: bytes, headers: dict[str, str]) -> Answer:
        """Send. Cancelled, it hangs up at once.

        Raises:
            One of BROKEN.
        """
        parts = urlsplit(url)
        place = parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme]
        head = _head(parts, {"Content-Length": str(len(content)), **headers})
        async with asyncio.timeout(SECONDS + len(content) / BYTES_PER_SECOND_MIN):
            line = self._take(place) or await _open(place)
            try:
                answer, is_kept = await line.exchange(head, content)
            except BaseException:
                line.hang_up()
                raise
        if is_kept:
            self.idle.setdefault(place, []).append(line)
        else:
            line.hang_up()
        return answer

    def _take(self, place: Place) -> Line | None:
        lines = self.idle.get(place, [])
        while lines:
            if not (line := lines.pop()).is_dropped:
                return line
            line.hang_up()
        return None


async def _open(place: Place) -> Line:
    scheme, host, port = place
    return Line(*await asyncio.open_connection(host, port, ssl=scheme == "https" or None))


def _head(parts, headers: dict[str, str]) -> bytes:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"PATCH {path} HTTP/1.1", f"Host: {parts.netloc}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
