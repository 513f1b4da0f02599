"""Servers of others: too much, too slow, packed, nested without end, or gone."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from common.asking import NoAnswer, ask, json_of

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"


@contextmanager
def server(speak: Callable[[socket.socket], None], heard: list[bytes] | None = None) -> Iterator[str]:
    """One that reads a request, keeps it in `heard`, and says what `speak` says."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                asked = connection.recv(65536).lower()
                if heard is not None:
                    heard.append(asked)
                try:
                    speak(connection)
                except OSError:
                    pass  # the other side had enough

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        thread.join(60)


def drip(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"\r\n")
    while True:
        connection.sendall(b" ")


class AnswerTests:
    def test_whole_whatever_its_status(self):
        with server(lambda each: each.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}")) as url:
            answer = ask("GET", url, bytes_max=100)
        assert (answer.status_code, json_of(answer)) == (404, {})

    def test_packing_is_not_asked_for(self):
        heard = []
        with server(lambda each: each.sendall(HEAD + b"\r\n{}"), heard) as url:
            ask("GET", url, bytes_max=100, headers={"accept": "x/y"})
        assert b"accept-encoding: identity" in heard[0]
        assert b"accept: x/y" in heard[0]


class NoAnswerTests:
    def test_more_than_is_read(self):
        with server(lambda each: each.sendall(HEAD + b"\r\n" + b"x" * 101)) as url, pytest.raises(NoAnswer, match="endless"):
            ask("GET", url, bytes_max=100)

    def test_drops_that_never_end(self):
        with server(drip) as url, pytest.raises(NoAnswer, match="endless"):
            ask("GET", url, bytes_max=1 << 40, seconds=0.2)

    def test_a_packed_answer(self):
        packed = HEAD + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b"
        with server(lambda each: each.sendall(packed)) as url, pytest.raises(NoAnswer, match="packed"):
            ask("GET", url, bytes_max=100)

    def test_one_that_hangs_up(self):
        with server(lambda each: None) as url, pytest.raises(NoAnswer):
            ask("GET", url, bytes_max=100)

    def test_nobody_there(self):
        with pytest.raises(NoAnswer, match="ConnectError"):
            ask("GET", "http://127.0.0.1:1/", bytes_max=100)

    def test_an_address_that_is_none(self):
        with pytest.raises(NoAnswer):
            ask("GET", "http://[/", bytes_max=100)

    @pytest.mark.parametrize("body", [b"<html>", b"[" * 60_000, b"\xff"])
    def test_no_json(self, body):
        with pytest.raises(NoAnswer, match="not JSON"):
            json_of(httpx.Response(200, content=body))
