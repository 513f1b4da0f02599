"""Files between nodes and the store: read in ranges, arrive in chunks, kept only when size and hash are those promised."""

import fcntl
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from common import resumable
from common.file_urls import FileGrant

BLOCK_BYTES = 256 * 1024
PREFIX = "frame-"
STALE_SECONDS = 24 * 3600  # a partial file that nobody has touched for a day is dropped


class WrongHash(Exception):
    """All bytes arrived, but they are not the file that was announced; the upload begins anew."""


def partial_path(grant: FileGrant) -> Path:
    """Where the bytes of a grant collect; the same for every renewal of its URL."""
    name = hashlib.sha256(f"{grant.storage_key}\n{grant.sha256}".encode()).hexdigest()
    return resumable.partial_path(PREFIX + name)


def arrived_bytes(grant: FileGrant) -> int:
    """How much of the file the server has; all of it once it is in the store.

    Raises:
        WrongHash: it was complete and not the right one.
    """
    if default_storage.exists(grant.storage_key):
        return grant.size_bytes
    offset = resumable.partial_offset(partial_path(grant))
    if offset >= grant.size_bytes > 0:
        _keep(grant)
    return offset


def append(grant: FileGrant, *, offset: int, stream: BinaryIO) -> int:
    """Add a chunk; the last one puts the file into the store. Returns the new end; repeating the last chunk is harmless.

    Raises:
        resumable.OffsetMismatch, resumable.TooLarge, WrongHash
    """
    if default_storage.exists(grant.storage_key):
        if offset != grant.size_bytes:
            raise resumable.OffsetMismatch(grant.size_bytes)
        return grant.size_bytes
    path = partial_path(grant)
    end = resumable.append_chunk(path, offset, stream, size_bytes=grant.size_bytes, chunk_max=settings.CHUNK_BYTES_MAX)
    if end == grant.size_bytes:
        _keep(grant)
    return end


def _keep(grant: FileGrant) -> None:
    """Move a complete file into the store, once."""
    path = partial_path(grant)
    with _alone(path) as file:
        if default_storage.exists(grant.storage_key):
            return
        if hashlib.file_digest(file, "sha256").hexdigest() != grant.sha256:
            path.unlink(missing_ok=True)
            raise WrongHash
        file.seek(0)
        default_storage.save(grant.storage_key, File(file))
        path.unlink(missing_ok=True)


@contextmanager
def _alone(path: Path) -> Iterator[BinaryIO]:
    """The partial file, read by one process at a time."""
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def blocks(storage_key: str, *, start: int, length: int) -> Iterator[bytes]:
    """`length` bytes of a stored file from `start`, in blocks."""
    with default_storage.open(storage_key, "rb") as file:
        file.seek(start)
        while length > 0 and (block := file.read(min(BLOCK_BYTES, length))):
            length -= len(block)
            yield block


def drop_stale_partials(*, now_seconds: float | None = None, limit: int = 1_000) -> int:
    """Delete what was left behind by nodes that never came back. `now_seconds`: POSIX."""
    oldest = (time.time() if now_seconds is None else now_seconds) - STALE_SECONDS
    stale = resumable.abandoned(PREFIX, before_seconds=oldest)[:limit]
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)
