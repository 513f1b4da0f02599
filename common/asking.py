"""A request to somebody else's server: its answer is bounded in size, and in time as a whole."""

import time
from collections.abc import Mapping
from functools import cache

import httpx

TIMEOUT = httpx.Timeout(10.0)  # seconds for each of connecting, sending and every read
SECONDS = 30.0  # for the whole answer: a server that drips never lets a read time out
PLAIN = {"Accept-Encoding": "identity"}  # a packed answer could be any size


class NoAnswer(Exception):
    """None came, no end of it, or not what was asked for."""


@cache
def certificates():
    """Read once: that takes longer than most requests."""
    return httpx.create_ssl_context()


def ask(
    method: str,
    url: str,
    *,
    bytes_max: int,
    timeout: httpx.Timeout = TIMEOUT,
    seconds: float = SECONDS,
    headers: Mapping[str, str] | None = None,
    **request,
) -> httpx.Response:
    """The whole answer, whatever its status; redirects are not followed. Raises NoAnswer."""
    until = time.monotonic() + seconds
    try:
        with (
            httpx.Client(timeout=timeout, verify=certificates()) as client,
            client.stream(method, url, headers={**(headers or {}), **PLAIN}, **request) as response,
        ):
            content = _read(response, bytes_max, until)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoAnswer(f"{type(error).__name__}: {error}"[:200]) from error
    return httpx.Response(response.status_code, headers=response.headers, content=content)


def json_of(response: httpx.Response) -> object:
    """What the answer says. Raises NoAnswer: it is no JSON, or nested without end."""
    try:
        return response.json()
    except (ValueError, RecursionError) as error:
        raise NoAnswer("not JSON") from error


def _read(response: httpx.Response, bytes_max: int, until: float) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise NoAnswer("a packed answer, which was not asked for")
    content = bytearray()
    for block in response.iter_bytes():
        content += block
        if len(content) > bytes_max or time.monotonic() > until:
            raise NoAnswer("an endless answer")
    return bytes(content)
