"""Slow lines wait beside the work, not in its place: a thread that waits for a stranger's bytes gives its turn to another.

The server has many threads and lets few of them work at once. Reading a body and sending a stream need no turn, so uploads,
downloads and those who send a byte a minute cost a sleeping thread each. One address may have only so many slow lines.
"""

import io
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

WORKING_MAX = 8  # views at once; more would only take the interpreter from each other
SLOW_SECONDS = 5.0  # a line that is open so long counts as slow
SLOW_MAX = 24  # of one address
LARGE_BYTES = 1024**2  # of a body or an answer; while it travels its thread keeps no connection to the database
RETRY_SECONDS = 10
WORDS = b"Too many slow transfers from your address at once. Try again in a moment.\n"


class Lines:
    """The WSGI application, with turns; one instance per process.

    Args:
        address_of: whose line it is, from the environ.
        let_go: gives back what the thread should not hold while a large transfer lasts.
    """

    def __init__(
        self,
        application: Callable,
        *,
        address_of: Callable[[dict], str],
        let_go: Callable[[], None] = lambda: None,
        working_max: int = WORKING_MAX,
        slow_max: int = SLOW_MAX,
        slow_seconds: float = SLOW_SECONDS,
    ) -> None:
        self.application, self.address_of, self.let_go = application, address_of, let_go
        self.slow_max, self.slow_seconds = slow_max, slow_seconds
        self.turns = threading.BoundedSemaphore(working_max)
        self.open: dict[int, tuple[str, float]] = {}  # transfers under way: whose, and since when (monotonic seconds)

    def __call__(self, environ: dict, start_response: Callable):
        if not brings_body(environ):
            return self._answer(environ, start_response)
        if self._is_refused(environ):
            return refusal(start_response)
        is_large = length_of(environ.get("CONTENT_LENGTH")) > LARGE_BYTES
        with self._counted(environ), Patient(environ["wsgi.input"], self.turns, self.let_go if is_large else None) as body:
            environ["wsgi.input"] = body
            return self._answer(environ, start_response)

    def _answer(self, environ: dict, start_response: Callable):
        """The application's answer. A stream is sent after the turn is over, and counts while it lasts."""
        with self.turns:
            response = self.application(environ, start_response)
        if not getattr(response, "streaming", False):
            return response
        if self._is_refused(environ):
            response.close()
            return refusal(start_response)
        if length_of(response.get("Content-Length")) > LARGE_BYTES:
            self.let_go()
        return Sent(response, self._counted(environ))

    def _is_refused(self, environ: dict) -> bool:
        """Has this address as many slow lines as it may?"""
        if len(self.open) < self.slow_max:
            return False
        return self.slow_lines()[self.address_of(environ)] >= self.slow_max

    def slow_lines(self) -> Counter:
        """How many lines of each address have been open for long."""
        before = time.monotonic() - self.slow_seconds
        return Counter(address for address, since in list(self.open.values()) if since <= before)

    @contextmanager
    def _counted(self, environ: dict) -> Iterator[None]:
        self.open[id(environ)] = (self.address_of(environ), time.monotonic())
        try:
            yield
        finally:
            self.open.pop(id(environ), None)


class Patient:
    """A body whose reader waits without a turn. Afterwards it is let go: a request is a circle of objects that waits for the
    search for garbage, and would keep the server's buffers, most of a megabyte for each, until then.
    """

    def __init__(self, body, turns: threading.Semaphore, let_go: Callable[[], None] | None = None) -> None:
        self._body, self._turns, self._let_go = body, turns, let_go

    def __enter__(self) -> "Patient":
        return self

    def __exit__(self, *failure) -> None:
        self._body = io.BytesIO()

    def read(self, size: int = -1) -> bytes:
        with self._waiting():
            return self._body.read(size)

    def readline(self, size: int = -1) -> bytes:
        with self._waiting():
            return self._body.readline(size)

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        if self._let_go:
            self._let_go()
        self._let_go = None
        self._turns.release()
        try:
            yield
        finally:
            self._turns.acquire()


class Sent:
    """A stream on its way; closed when it ends or its reader goes away."""

    def __init__(self, response, counted) -> None:
        self._response, self._counted, self._blocks = response, counted, iter(response)
        counted.__enter__()

    def __iter__(self):
        return self

    def __next__(self) -> bytes:
        return next(self._blocks)

    def close(self) -> None:
        self._counted.__exit__(None, None, None)
        self._response.close()


def brings_body(environ: dict) -> bool:
    """Django reads no body without a length."""
    return length_of(environ.get("CONTENT_LENGTH")) > 0


def length_of(text: str | None) -> int:
    """A length as a header says it; 0 for none and for nonsense."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0


def refusal(start_response: Callable) -> list[bytes]:
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Retry-After", str(RETRY_SECONDS)), ("Connection", "close")]
    start_response("503 Service Unavailable", [*headers, ("Content-Length", str(len(WORDS)))])
    return [WORDS]
