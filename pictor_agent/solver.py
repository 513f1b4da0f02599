"""A process of its own for what a benchmark computes: it is killed at any moment, takes its memory with it, and one thread
multiplies, so that two machines compare. An order is one line in and its answer one line out; see pictor_agent.measuring.
"""

import hashlib
import os
import sys
import time
from pathlib import Path

import msgspec

MEMORY_BYTES = 64 << 20
MEMORY_ROUNDS = 5
PIECE_BYTES = 4 << 20


class PrepareGpus(msgspec.Struct, kw_only=True, tag=True):
    """Take the memory, before the seed is known."""

    sizes: list[tuple[int, int]]  # width and layers of each


class Prepared(msgspec.Struct, kw_only=True):
    problem: str = ""
    held: bool = False  # the problem is memory that is not free


class SolveGpus(msgspec.Struct, kw_only=True, tag=True):
    seed: bytes


class Solved(msgspec.Struct, kw_only=True):
    root: bytes
    seconds: float


class ShowGpus(msgspec.Struct, kw_only=True, tag=True):
    """Their memory is given back afterwards: Blender needs it."""

    numbers: list[list[int]]
    target: str  # the file for the openings


class Shown(msgspec.Struct, kw_only=True):
    sha256: bytes


class Order(msgspec.Struct, kw_only=True, tag=True):
    """Disk, memory and the processor's challenge."""

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


class Wanted(msgspec.Struct, kw_only=True, tag=True):
    blocks: list[int]
    target: str  # the file for the opening


class Written(msgspec.Struct):
    """It lies there."""


Asked = PrepareGpus | SolveGpus | ShowGpus | Order | Wanted


def main(kinds: int | None = None) -> None:
    """Answer until nobody asks any more. `kinds`: of devices, as pictor_agent.opencl; None: GPUs."""
    work = Work(kinds)
    for line in iter(sys.stdin.buffer.readline, b""):
        answer = work.answer(msgspec.json.decode(line, type=Asked))
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


class Work:
    """One run of a benchmark. What computes is loaded here: the agent reads only the shapes of this module."""

    def __init__(self, kinds: int | None = None) -> None:
        self.kinds = kinds

    def answer(self, asked: Asked) -> msgspec.Struct:
        match asked:
            case PrepareGpus():
                return self._prepare(asked)
            case SolveGpus():
                root, seconds = self.gpus.solve(asked.seed)
                return Solved(root=root, seconds=seconds)
            case ShowGpus():
                return self._show(asked)
            case Order():
                return self._measure(asked)
            case Wanted():
                Path(asked.target).write_bytes(self.solved.opening(asked.blocks))
                return Written()

    def _prepare(self, asked: PrepareGpus) -> Prepared:
        from pictor_agent import gpu_solver, opencl

        try:
            self.gpus = gpu_solver.AllGpus.prepared(asked.sizes, self.kinds or opencl.GPU)
        except gpu_solver.CannotAnswer as problem:
            return Prepared(problem=str(problem), held=problem.held)
        return Prepared()

    def _show(self, asked: ShowGpus) -> Shown:
        content = b"".join(self.gpus.openings(asked.numbers))
        Path(asked.target).write_bytes(content)
        self.gpus.close()
        return Shown(sha256=hashlib.sha256(content).digest())

    def _measure(self, order: Order) -> Found:
        from pictor_agent.challenge import Challenge, answer

        written, read = disk_rates(Path(order.trial), order.disk_bytes)
        memory = memory_rate()
        began = time.perf_counter()
        self.solved = answer(Challenge(order.seed, order.side, order.blocks))
        return Found(
            root=self.solved.root,
            challenge_seconds=time.perf_counter() - began,
            memory_bytes_per_second=memory,
            disk_write_bytes_per_second=written,
            disk_read_bytes_per_second=read,
        )


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
