"""HTTP on the loopback device: whatever comes is answered or dropped within bounds."""

import asyncio
import contextlib

import pytest

from pictor_agent.app import lines
from pictor_agent.app.lines import Request, Response, Server

ASKED = b"GET /a?b=c HTTP/1.1\r\nHost: here\r\n"
END = b"\r\n"


@contextlib.asynccontextmanager
async def listening(answer=None):
    heard: list[Request] = []

    async def usual(request: Request) -> Response:
        heard.append(request)
        return Response(b"well", headers={"Content-Type": "text/plain"})

    server = Server(answer or usual, {"X-Always": "1"})
    server.heard, server.port = heard, await server.start(0)
    yield server
    await server.stop()


async def said(server: Server, *pieces: bytes, ends: bool = False) -> bytes:
    """All that comes back for these bytes."""
    reader, writer = await asyncio.open_connection(lines.LOOPBACK, server.port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    if ends:
        writer.write_eof()
    try:
        return await reader.read()
    except ConnectionResetError:  # hung up before it was read
        return b""
    finally:
        writer.close()


async def test_a_request_is_answered_and_the_line_ends():
    async with listening() as server:
        answer = await said(server, ASKED + END)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\nwell")
    assert b"X-Always: 1" in answer
    assert [(request.method, request.path) for request in server.heard] == [("GET", "/a")]


async def test_a_body_comes_whole_in_whatever_pieces():
    async with listening() as server:
        await said(server, b"POST / HTTP/1.1\r\nHost: here\r\nContent-Le", b"ngth: 4\r\n\r\nab", b"cd")
    assert server.heard[0].body == b"abcd"


async def test_only_this_machine_can_connect():
    async with listening() as server:
        assert [name for name, _ in (socket.getsockname() for socket in server.server.sockets)] == ["127.0.0.1"]


@pytest.mark.parametrize(
    "nonsense",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",  # no host
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # the first bytes of TLS
    ],
)
async def test_nonsense_is_refused_with_the_same_headers(nonsense):
    async with listening() as server:
        answer = await said(server, nonsense, ends=True)
    assert answer.startswith(b"HTTP/1.1 4") or answer == b""
    assert not answer or b"X-Always: 1" in answer
    assert server.heard == []


async def test_a_head_without_end_is_refused():
    async with listening() as server:
        answer = await said(server, ASKED + b"X: " + b"x" * (lines.HEAD_BYTES_MAX + 1))
    assert answer.startswith(b"HTTP/1.1 431")


async def test_a_body_that_is_too_large_is_refused():
    async with listening() as server:
        size = lines.BODY_BYTES_MAX + 1
        answer = await said(server, b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
    assert answer.startswith(b"HTTP/1.1 413")
    assert server.heard == []


async def test_who_says_nothing_is_hung_up_on(monkeypatch):
    monkeypatch.setattr(lines, "LINE_SECONDS", 0.01)
    async with listening() as server:
        assert await said(server, ASKED) == b""


async def test_more_lines_than_it_has_are_hung_up_on(monkeypatch):
    monkeypatch.setattr(lines, "LINES_MAX", 0)
    async with listening() as server:
        assert await said(server, ASKED + END) == b""


async def test_an_answer_is_finished_before_the_end():
    began, may = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> Response:
        began.set()
        await may.wait()
        return Response(b"done")

    async with listening(slow) as server:
        asking = asyncio.create_task(said(server, ASKED + END))
        await began.wait()
        ending = asyncio.create_task(server.stop())
        may.set()
        await ending
        assert (await asking).endswith(b"done")
