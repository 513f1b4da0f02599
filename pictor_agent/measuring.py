"""A benchmark on this machine: its GPUs' memory, disk, memory, the challenge, then the canary frame with the seed that comes last.

The GPUs' part comes first, before Blender needs them, and in three steps, each of which the server's clock sees: their memory is
taken; the challenge is solved; what the server asked for is shown, or rather its hash said, in less time than solving it again.
The scene is open and warm before the server names the seed, so what the server's clock sees from then on is the frame itself.
"""

import asyncio
import contextlib
import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from pictor_agent import protocol
from pictor_agent.runner import Rendered, RunFailed, Runner
from pictor_agent.solver import Asked, Found, Order, Prepared, PrepareGpus, ShowGpus, Shown, Solved, SolveGpus, Wanted, Written
from pictor_agent.warm import OnProgress

SOLVE_SECONDS = 600.0
WARM_SEED = 0
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")

SOLVER = "pictor_agent.solver"
NOTHING = bytes(32)  # is committed to where the server is only told that the next step begins

Commit = Callable[[bytes, protocol.Part], Awaitable[protocol.Show]]
T = TypeVar("T")


class Solver:
    """The process of pictor_agent.solver."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    @contextlib.asynccontextmanager
    async def started(cls) -> AsyncIterator["Solver"]:
        """It is gone afterwards, whatever happens."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", SOLVER,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(Path(__file__).parents[1])},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield cls(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def ask(self, order: Asked, answer: type[T]) -> T:
        """One line in, one line out.

        Raises:
            RunFailed: it takes too long, or the process has ended.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(SOLVE_SECONDS):
                self.process.stdin.write(msgspec.json.encode(order) + b"\n")
                if line := await self.process.stdout.readline():
                    return msgspec.json.decode(line, type=answer)
        except TimeoutError:
            raise RunFailed("time_limit", "the challenge took too long") from None
        raise RunFailed("out_of_memory", "the process of the challenge ended")


@dataclass
class Measuring:
    """One run of a benchmark. `target`: the file for the server."""

    runner: Runner
    spec: protocol.BenchmarkSpec
    scene: Path
    target: Path
    on_progress: OnProgress = lambda *_: None

    async def run(self, commit: Commit) -> protocol.RenderResult:
        """Measure, and write what the server asks to see.

        Raises:
            RunFailed: with the reason for the server.
        """
        try:
            async with Solver.started() as solver:
                gpu_seconds = await self._ask_gpus(solver, commit) if self.spec.gpus else 0.0
                self.on_progress(0.0, "measuring disk, memory and processor")
                found = await solver.ask(self._order(), Found)
                await self._render(samples=1, seed=WARM_SEED)
                show = await commit(found.root, "")
                rendered = await self._render(samples=self.spec.canary.samples, seed=show.seed)
                await solver.ask(Wanted(blocks=show.blocks, target=str(self._spare("opening"))), Written)
            return await asyncio.to_thread(self._put_together, found, gpu_seconds, rendered)
        finally:
            for name in ("trial", "opening", "gpus", "canary"):
                self._spare(name).unlink(missing_ok=True)

    async def _ask_gpus(self, solver: Solver, commit: Commit) -> float:
        """Returns the seconds that the slowest took.

        Raises:
            RunFailed: one of them is not there, or its memory is not.
        """
        self.on_progress(0.0, "measuring the memory of the GPUs")
        await asyncio.shield(self.runner.pool.make_room(keep=0))  # scenes that stay open hold some of it
        prepared = await solver.ask(PrepareGpus(sizes=[(gpu.width, gpu.layers) for gpu in self.spec.gpus]), Prepared)
        if prepared.problem:
            raise RunFailed("out_of_memory" if prepared.held else "no_gpu", prepared.problem)
        begin = await commit(NOTHING, "gpus_ready")
        solved = await solver.ask(SolveGpus(seed=begin.gpu_seed), Solved)
        show = await commit(solved.root, "gpus")
        shown = await solver.ask(ShowGpus(numbers=show.gpu_blocks, target=str(self._spare("gpus"))), Shown)
        await commit(shown.sha256, "gpus_shown")
        return solved.seconds

    def _order(self) -> Order:
        return Order(
            seed=self.spec.seed,
            side=self.spec.side,
            blocks=self.spec.blocks,
            disk_bytes=self.spec.disk_bytes,
            trial=str(self._spare("trial")),
        )

    async def _render(self, *, samples: int, seed: int) -> Rendered:
        order = msgspec.structs.replace(self.spec.canary, samples=samples, seed=seed)
        return await self.runner.render(order, self.scene, self._spare("canary"), self.on_progress)

    def _put_together(self, found: Found, gpu_seconds: float, rendered: Rendered) -> protocol.RenderResult:
        measured = protocol.BenchmarkFile(
            memory_bytes_per_second=found.memory_bytes_per_second,
            disk_write_bytes_per_second=found.disk_write_bytes_per_second,
            disk_read_bytes_per_second=found.disk_read_bytes_per_second,
            challenge_seconds=found.challenge_seconds,
            opening=self._spare("opening").read_bytes(),
            gpu_seconds=gpu_seconds,
            gpu_openings=self._spare("gpus").read_bytes() if self.spec.gpus else b"",
            canary=rendered.path.read_bytes(),
        )
        content = msgspec.msgpack.encode(measured)
        self.target.write_bytes(content)
        file_sha256 = hashlib.sha256(content).hexdigest()
        return msgspec.structs.replace(rendered.result, file_sha256=file_sha256, size_bytes=len(content))

    def _spare(self, name: str) -> Path:
        return self.target.with_name(f"{self.target.name}.{name}")
