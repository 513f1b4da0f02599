"""Uploads that survive a broken line: a partial file grows at its end only, one writer at a time, in constant memory.

The sender asks for the offset, sends a chunk from there, and repeats. How much lies on disk is the only truth.
"""

import fcntl
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

BLOCK_BYTES = 256 * 1024


class OffsetMismatch(Exception):
    """The chunk does not begin where the partial file ends, or another sender is writing. `offset` is the file's end."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the file ends at {offset}")
        self.offset = offset


class TooLarge(Exception):
    """The chunk is larger than allowed, or runs past the announced size of the file."""


def partial_path(name: str) -> Path:
    """Where the bytes of an unfinished file collect; the file may not exist yet."""
    return settings.VAR_DIR / "partial" / name


def abandoned(prefix: str, *, before_seconds: float) -> list[Path]:
    """Partial files of this prefix that nobody has touched since (POSIX seconds); one that vanishes meanwhile is none."""
    return [path for path in partial_path("").glob(f"{prefix}*") if _touched_at_seconds(path) < before_seconds]


def _touched_at_seconds(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def partial_offset(path: Path) -> int:
    """How many bytes have arrived; 0 before the first."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def append_chunk(path: Path, offset: int, stream: BinaryIO, *, size_bytes: int, chunk_max: int) -> int:
    """Append `stream` at `offset` and return the new end; the last byte of `size_bytes` is followed by fsync.

    What arrived before the line broke stays, so that the sender goes on from there. A chunk that is too large leaves
    the file as it was.

    Raises:
        OffsetMismatch: the file ends elsewhere, or is being written.
        TooLarge: more than `chunk_max` bytes, or more than `size_bytes` in all.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(path) as file:
        end = file.seek(0, os.SEEK_END)
        if end != offset:
            raise OffsetMismatch(end)
        end = _copy(stream, file, offset=offset, limit=min(chunk_max, size_bytes - offset))
        if end == size_bytes:
            os.fsync(file.fileno())
        return end


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """The partial file, held by this writer alone; a second one is told to come back."""
    with open(path, "ab", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OffsetMismatch(partial_offset(path)) from None
        yield file


def _copy(stream: BinaryIO, file: BinaryIO, *, offset: int, limit: int) -> int:
    """Copy block by block; a byte too many cuts the file back to `offset`."""
    end = offset
    while block := stream.read(BLOCK_BYTES):
        if end + len(block) > offset + limit:
            file.truncate(offset)
            raise TooLarge(f"at most {limit} bytes are expected here")
        _write_all(file, block)
        end += len(block)
    return end


def _write_all(file: BinaryIO, block: bytes) -> None:
    """Write the whole block; an unbuffered file may take less at once."""
    view = memoryview(block)
    while view:
        view = view[file.write(view) :]
