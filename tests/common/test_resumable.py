import io
import threading
import tracemalloc

import pytest

from common.resumable import OffsetMismatch, TooLarge, append_chunk, partial_offset


@pytest.fixture
def path(tmp_path):
    return tmp_path / "partial" / "one"


def append(path, offset, content, *, size=100, chunk_max=50):
    return append_chunk(path, offset, io.BytesIO(content), size_bytes=size, chunk_max=chunk_max)


class BrokenLine(io.RawIOBase):
    """Gives some bytes, then fails as a closed connection does."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self, size=-1):
        if not self.content:
            raise ConnectionResetError
        content, self.content = self.content, b""
        return content


class Waiting(io.RawIOBase):
    """A sender that is in the middle of its chunk."""

    def __init__(self) -> None:
        self.entered, self.go_on = threading.Event(), threading.Event()

    def read(self, size=-1):
        self.entered.set()
        assert self.go_on.wait(10)
        return b""


class Endless(io.RawIOBase):
    def __init__(self, length: int) -> None:
        self.left = length

    def read(self, size=-1):
        part = min(size, self.left)
        self.left -= part
        return bytes(part)


class AppendChunkTests:
    def test_chunks_follow_each_other(self, path):
        assert append(path, 0, b"abc") == 3
        assert append(path, 3, b"def") == 6
        assert path.read_bytes() == b"abcdef"
        assert partial_offset(path) == 6

    def test_others_on_the_machine_cannot_look(self, path):
        append(path, 0, b"a")
        assert path.parent.stat().st_mode & 0o077 == 0

    def test_nothing_has_arrived_before_the_first_chunk(self, path):
        assert partial_offset(path) == 0

    @pytest.mark.parametrize("offset", [0, 2, 4, 99])
    def test_a_chunk_begins_where_the_file_ends(self, path, offset):
        append(path, 0, b"abc")
        with pytest.raises(OffsetMismatch) as refused:
            append(path, offset, b"x")
        assert refused.value.offset == 3
        assert path.read_bytes() == b"abc"

    def test_a_broken_line_keeps_what_arrived(self, path):
        with pytest.raises(ConnectionResetError):
            append_chunk(path, 0, BrokenLine(b"abc"), size_bytes=10, chunk_max=10)
        assert append(path, partial_offset(path), b"def") == 6

    def test_more_than_a_chunk_is_refused_and_leaves_no_trace(self, path):
        append(path, 0, b"abc")
        with pytest.raises(TooLarge):
            append(path, 3, b"x" * 51)
        assert path.read_bytes() == b"abc"

    def test_more_than_the_announced_size_is_refused(self, path):
        append(path, 0, b"abc", size=4)
        with pytest.raises(TooLarge):
            append(path, 3, b"xy", size=4)
        assert append(path, 3, b"x", size=4) == 4

    def test_two_senders_cannot_interleave(self, path):
        append(path, 0, b"abc")
        first = Waiting()
        thread = threading.Thread(target=append_chunk, args=(path, 3, first), kwargs={"size_bytes": 9, "chunk_max": 9})
        thread.start()
        assert first.entered.wait(10)
        with pytest.raises(OffsetMismatch):
            append(path, 3, b"x")
        first.go_on.set()
        thread.join(10)
        assert append(path, 3, b"x") == 4

    def test_memory_does_not_grow_with_the_file(self, path):
        size = 32 * 1024**2
        tracemalloc.start()
        append_chunk(path, 0, Endless(size), size_bytes=size, chunk_max=size)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert partial_offset(path) == size
        assert peak < 4 * 1024**2
