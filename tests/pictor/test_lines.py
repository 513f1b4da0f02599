"""Slow lines take no turn from others, and one address has only so many of them. Real threads, events instead of sleeps."""

import io
import threading
import weakref

import pytest

from pictor.lines import Lines, length_of

PATIENCE_SECONDS = 60


class SlowBody:
    """Says when somebody reads, and gives nothing before it is told to."""

    def __init__(self) -> None:
        self.read_begun, self.may_end = threading.Event(), threading.Event()

    def read(self, size: int = -1) -> bytes:
        self.read_begun.set()
        assert self.may_end.wait(PATIENCE_SECONDS)
        return b"x"


class Answer(list):
    """What the lines need of a response, without a database whose connection its end would look at."""

    def __init__(self, *blocks: bytes, streaming: bool = False) -> None:
        super().__init__(blocks)
        self.streaming = streaming

    def get(self, name: str) -> None:
        """No header."""

    def close(self) -> None:
        """Nothing is open."""


def application(environ, start_response):
    """Reads what comes, answers a word; /stream answers a stream."""
    environ["wsgi.input"].read(10)
    start_response("200 OK", [])
    return Answer(b"a", b"b", streaming=True) if environ["PATH_INFO"] == "/stream" else Answer(b"done")


def environ(body=None, *, address: str = "203.0.113.9", path: str = "/") -> dict:
    length = {} if body is None else {"CONTENT_LENGTH": "5"}
    return {"PATH_INFO": path, "REMOTE_ADDR": address, "wsgi.input": body or io.BytesIO(), **length}


def lines_of(**settings) -> Lines:
    return Lines(application, address_of=lambda environ: environ["REMOTE_ADDR"], **settings)


class Statuses(list):
    def __call__(self, status: str, headers) -> None:
        self.append((int(status[:3]), dict(headers)))


@pytest.fixture
def slow_sender():
    """Begins a request whose body does not come; all of them end with the test."""
    bodies, threads = [], []

    def begin(lines: Lines, **where) -> None:
        body = SlowBody()
        threads.append(threading.Thread(target=lines, args=(environ(body, **where), Statuses())))
        bodies.append(body)
        threads[-1].start()
        assert body.read_begun.wait(PATIENCE_SECONDS)

    yield begin
    for body in bodies:
        body.may_end.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


def answer_of(lines: Lines, **request) -> int:
    """Its status; in a thread of its own, so that a turn that never comes fails the test instead of hanging it."""
    statuses = Statuses()
    thread = threading.Thread(target=lines, args=(environ(**request), statuses), daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive(), "it waits for a turn"
    return statuses[-1][0]


class LettingGoTests:
    def test_a_body_is_not_kept_with_its_request(self):
        """The servers' buffers are large, and a request may wait long for the search for garbage."""
        asked = environ(io.BytesIO(b"hello"))
        body = weakref.ref(asked["wsgi.input"])
        lines_of()(asked, Statuses())
        assert body() is None


class SlowLinesTests:
    def test_those_who_send_slowly_keep_nobody_waiting(self, slow_sender):
        lines = lines_of(working_max=2)
        for _ in range(10):
            slow_sender(lines)
        assert answer_of(lines) == 200

    def test_a_stream_under_way_takes_no_turn(self):
        lines = lines_of(working_max=1)
        stream = lines(environ(path="/stream"), Statuses())
        assert next(stream) == b"a"
        assert answer_of(lines) == 200
        stream.close()

    def test_one_address_has_only_so_many_slow_lines_and_others_go_on(self, slow_sender):
        lines = lines_of(slow_max=2, slow_seconds=0)
        for _ in range(2):
            slow_sender(lines)
        assert answer_of(lines, body=io.BytesIO(b"12345")) == 503
        assert answer_of(lines, path="/stream") == 503
        assert answer_of(lines) == 200, "pages have no body"
        assert answer_of(lines, body=io.BytesIO(b"12345"), address="198.51.100.7") == 200

    def test_a_refusal_says_when_to_come_back(self, slow_sender):
        lines, statuses = lines_of(slow_max=1, slow_seconds=0), Statuses()
        slow_sender(lines)
        assert b"Try again" in b"".join(lines(environ(io.BytesIO(b"12345")), statuses))
        assert statuses[0][1]["Retry-After"] == "10"

    def test_fast_lines_are_not_counted(self, slow_sender):
        lines = lines_of(slow_max=1, slow_seconds=PATIENCE_SECONDS * 60)
        slow_sender(lines)
        assert answer_of(lines, body=io.BytesIO(b"12345")) == 200

    def test_what_has_ended_is_forgotten(self):
        lines = lines_of(slow_max=1, slow_seconds=0)
        assert answer_of(lines, body=io.BytesIO(b"12345")) == 200
        stream = lines(environ(path="/stream"), Statuses())
        assert list(stream) == [b"a", b"b"]
        assert lines.open
        stream.close()
        stream.close()
        assert lines.open == {}

    def test_a_large_transfer_keeps_no_connection_to_the_database(self):
        let_go = []
        lines = lines_of(let_go=lambda: let_go.append(True))
        assert answer_of(lines, body=io.BytesIO(b"12345")) == 200
        assert let_go == []
        assert lines({**environ(io.BytesIO(b"1")), "CONTENT_LENGTH": str(8 * 1024**2)}, Statuses()) == [b"done"]
        assert let_go == [True]

    @pytest.mark.parametrize(("text", "length"), [("12", 12), ("", 0), (None, 0), ("-5", 0), ("9" * 30, 0), ("²", 0)])
    def test_a_length_is_a_number_or_nothing(self, text, length):
        assert length_of(text) == length
