"""HTTP/1.1 on the loopback device: h11 on asyncio, one request a line, and a bound on everything a line may ask for."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import h11

LOOPBACK = "127.0.0.1"
HEAD_BYTES_MAX = 16 * 1024
BODY_BYTES_MAX = 128 * 1024
READ_BYTES = 16 * 1024
LINES_MAX = 32
LINE_SECONDS = 10.0
END_SECONDS = 2.0  # that answers may take when the program ends
TEXT = {"Content-Type": "text/plain; charset=utf-8"}


@dataclass(frozen=True)
class Request:
    """`path` without a query; names of `headers` in small letters."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Response:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def words(status: int, text: str) -> Response:
    return Response(text.encode(), status, TEXT)


Answer = Callable[[Request], Awaitable[Response]]


class BodyTooLarge(Exception):
    """More than BODY_BYTES_MAX."""


class Server:
    """Listens on LOOPBACK alone. `headers` go with every response, also with those to nonsense."""

    def __init__(self, answer: Answer, headers: Mapping[str, str]) -> None:
        self.answer, self.headers = answer, headers
        self.lines: set[asyncio.Task] = set()
        self.server: asyncio.Server | None = None

    async def start(self, port: int) -> int:
        """Returns the port, chosen by the system for 0.

        Raises:
            OSError: the port is taken.
        """
        self.server = await asyncio.start_server(self._serve, LOOPBACK, port)
        return self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self.server:
            self.server.close()
        if self.lines:
            await asyncio.wait(self.lines, timeout=END_SECONDS)
        for line in self.lines:
            line.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line is not None
        self.lines.add(line)
        try:
            if len(self.lines) <= LINES_MAX:
                async with asyncio.timeout(LINE_SECONDS):
                    writer.write(await self._exchange(reader))
                    await writer.drain()
        except (OSError, TimeoutError):
            pass
        finally:
            self.lines.discard(line)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader) -> bytes:
        """The bytes of the response; none for whoever hangs up first."""
        line = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES_MAX)
        try:
            request = await _read(line, reader)
            response = await self.answer(request) if request else None
        except h11.RemoteProtocolError as error:
            response = words(error.error_status_hint, "This is no request.")
        except BodyTooLarge:
            response = words(413, "That is too large.")
        return self._written(line, response) if response else b""

    def _written(self, line: h11.Connection, response: Response) -> bytes:
        headers = {**self.headers, **response.headers, "Content-Length": str(len(response.body)), "Connection": "close"}
        head = h11.Response(status_code=response.status, headers=list(headers.items()))
        return b"".join(
            [line.send(head) or b"", line.send(h11.Data(data=response.body)) or b"", line.send(h11.EndOfMessage()) or b""]
        )


async def _read(line: h11.Connection, reader: asyncio.StreamReader) -> Request | None:
    """One whole request; None when the other side hangs up in the middle.

    Raises:
        h11.RemoteProtocolError, BodyTooLarge
    """
    head: h11.Request | None = None
    body = b""
    while True:
        event = line.next_event()
        match event:
            case h11.NEED_DATA:
                line.receive_data(await reader.read(READ_BYTES))
            case h11.Request():
                head = event
            case h11.Data():
                body += event.data
                if len(body) > BODY_BYTES_MAX:
                    raise BodyTooLarge
            case h11.EndOfMessage():
                assert head is not None
                return _request(head, body)
            case _:  # hung up
                return None


def _request(head: h11.Request, body: bytes) -> Request:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    path = head.target.decode("latin-1").partition("?")[0]
    return Request(head.method.decode("latin-1"), path, headers, bytes(body))
