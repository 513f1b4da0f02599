"""A process of its own for what a benchmark computes: it is killed at any moment, takes its memory with it, and one thread
multiplies, so that two machines compare. One order in, one line out; then which blocks to show, and one line out."""

import os
import sys
import time
from pathlib import Path

import msgspec

MEMORY_BYTES = 64 << 20
MEMORY_ROUNDS = 5
PIECE_BYTES = 4 << 20


class Order(msgspec.Struct, kw_only=True):
    seed: bytes
    side: int
    blocks: int
    disk_bytes: int
    trial: str  # a file that may be written and is deleted


class Found(msgspec.Struct, kw_only=True):
    root: bytes
    challenge_seconds: float
    memory_bytes_per_second: int
    disk_write_bytes_per_second: int
    disk_read_bytes_per_second: int


class Wanted(msgspec.Struct, kw_only=True):
    blocks: list[int]
    target: str  # the file for the opening


def main() -> None:
    from pictor_agent.challenge import Challenge, answer  # not above: the agent reads only the shapes of this module

    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    written, read = disk_rates(Path(order.trial), order.disk_bytes)
    memory = memory_rate()
    began = time.perf_counter()
    solved = answer(Challenge(order.seed, order.side, order.blocks))
    _say(
        Found(
            root=solved.root,
            challenge_seconds=time.perf_counter() - began,
            memory_bytes_per_second=memory,
            disk_write_bytes_per_second=written,
            disk_read_bytes_per_second=read,
        )
    )
    wanted = msgspec.json.decode(sys.stdin.buffer.readline(), type=Wanted)
    Path(wanted.target).write_bytes(solved.opening(wanted.blocks))
    _say({})


def _say(said) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
    sys.stdout.buffer.flush()


def memory_rate() -> int:
    """Bytes a second read and written by the best of some copies."""
    import numpy as np  # 20 MB that the agent does without

    source, target = np.ones(MEMORY_BYTES, np.uint8), np.zeros(MEMORY_BYTES, np.uint8)
    return max(_rate(2 * MEMORY_BYTES, lambda: np.copyto(target, source)) for _ in range(MEMORY_ROUNDS))


def disk_rates(path: Path, size_bytes: int) -> tuple[int, int]:
    """Bytes a second written through to the disk, and read from it, one after the other; (0, 0) when it is left alone."""
    if not size_bytes:
        return 0, 0
    piece = os.urandom(PIECE_BYTES)
    try:
        written = _rate(size_bytes, lambda: _write(path, piece, size_bytes))
        return written, _rate(size_bytes, lambda: _read(path))
    except OSError:
        return 0, 0  # a full disk is said elsewhere
    finally:
        path.unlink(missing_ok=True)


def _write(path: Path, piece: bytes, size_bytes: int) -> None:
    with path.open("wb", buffering=0) as file:
        for _ in range(size_bytes // len(piece)):
            file.write(piece)
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # so that it is read from the disk


def _read(path: Path) -> None:
    with path.open("rb", buffering=0) as file:
        while file.read(PIECE_BYTES):
            pass


def _rate(size_bytes: int, work) -> int:
    began = time.perf_counter()
    work()
    return int(size_bytes / max(1e-6, time.perf_counter() - began))


if __name__ == "__main__":
    main()
