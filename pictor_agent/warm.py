"""One warm Blender in its box, holding one scene: opens it once, renders frame after frame, is killed at any moment."""

import asyncio
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from pictor_agent import protocol
from pictor_agent.attempt_log import AttemptLog
from pictor_agent.environments import RenderEnvironment
from pictor_agent.sandbox import Box, Contents, Limits, Sandbox

HOST_FOLDER = Path(__file__).parent / "engines" / "blender_host"
SCENE_INSIDE = "/scene"
HOST_INSIDE = "/run/blender_host"
START_SECONDS = 120.0  # a cold disk may need a minute for the first import
LOG_BLOCK_BYTES = 1 << 16
LOG_BYTES_PER_SECOND = 8 << 20  # who prints more waits for us to read it
COPY_BYTES = 1 << 20
KILLED = (-9, 137)  # what is left of a process that somebody killed, or of the box around it
OUT_OF_MEMORY = ("MemoryError", "std::bad_alloc", "loc returns null", "failed to map segment", "Cannot allocate memory")

OnProgress = Callable[[float, str], None]


class RunFailed(Exception):
    """A frame or a scene that gave no result; `reason` is one of protocol.FailureReason."""

    def __init__(self, reason: protocol.FailureReason, detail: str = "", log_tail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail, self.log_tail = reason, detail[:500], log_tail


class Answer(msgspec.Struct):
    """A line from inside the box. Claims of a program that a stranger's file may have taken over."""

    event: str
    fraction: protocol.Fraction = 0.0
    note: protocol.Line = ""
    reason: protocol.FailureReason = "renderer_crashed"
    detail: protocol.Line = ""
    seconds: protocol.Seconds = 0.0
    memory_bytes: protocol.Count = 0
    peak_memory_bytes: protocol.Count = 0
    size_bytes: protocol.Count = 0
    device: Annotated[str, Meta(max_length=20)] = ""
    version: protocol.Name = ""
    inspection: dict | None = None


@dataclass(frozen=True)
class Picture:
    """A file that came out of a box."""

    path: Path
    sha256: str
    size_bytes: int
    answer: Answer


class WarmBlender:
    """Opens one scene. Not in charge of when to be thrown away."""

    def __init__(self, box: Box, limits: Limits, main_inside: str, version: str) -> None:
        self.box, self.limits, self.version = box, limits, version
        self.started_at = time.monotonic()
        self.memory_bytes = 0
        self.device = ""
        self.log = AttemptLog()  # of the attempt it works for
        self._main_inside = main_inside
        self._ended_by_us = False
        self._log_reader = asyncio.create_task(self._read_log())

    @classmethod
    async def start(
        cls, environment: RenderEnvironment, sandbox: Sandbox, scene: Path, main_path: str, limits: Limits
    ) -> "WarmBlender":
        """Start the process; `open` then loads the scene. `scene` is seen read-only."""
        script = sandbox.inside(str(HOST_FOLDER), HOST_INSIDE) + "/__main__.py"
        seen = sandbox.inside(str(scene), SCENE_INSIDE)
        readable = [(folder, folder) for folder in environment.folders]
        readable += [(str(HOST_FOLDER), HOST_INSIDE), (str(scene), SCENE_INSIDE)]
        contents = Contents(environment.command(script), readable, {"PICTOR_SCENE": seen})
        box = await sandbox.start(contents, limits, python=environment.program if environment.is_python else "/usr/bin/python3")
        return cls(box, limits, f"{seen}/{main_path}", environment.version)

    @property
    def is_alive(self) -> bool:
        return self.box.is_alive

    @property
    def age_seconds(self) -> float:
        return time.monotonic() - self.started_at

    @property
    def log_tail(self) -> str:
        """The end of what Blender printed during this attempt."""
        return self.log.tail

    async def open(self, *, inspect: bool = False) -> Answer:
        """Load the scene; with `inspect` the answer tells what is in it.

        Raises:
            RunFailed: Blender does not start, or cannot read the file.
        """
        async with time_limit(START_SECONDS, "Blender did not start", reason="agent_error"):
            await self._until("ready")
        await self._send(command="open", main=self._main_inside, inspect=inspect)
        answer = await self._until("opened")
        self.memory_bytes, self.device = answer.memory_bytes, answer.device
        return answer

    async def open_own(self) -> None:
        """Blender's own first scene, instead of somebody's: for the self-test."""
        async with time_limit(START_SECONDS, "Blender did not start", reason="agent_error"):
            await self._until("ready")
        await self._send(command="open_own")
        self.device = (await self._until("opened")).device

    async def probe(self) -> str:
        """The device that Blender would render on; instead of `open`."""
        async with time_limit(START_SECONDS, "Blender did not start"):
            await self._until("ready")
        await self._send(command="probe")
        return (await self._until("probed")).device

    async def render(self, spec: protocol.RenderSpec, target: Path, on_progress: OnProgress) -> Picture:
        """Render one frame into the file `target`."""
        await self._send(
            command="render", frame=spec.frame, seed=spec.seed, width=spec.width, height=spec.height,
            samples=spec.samples, format=spec.format, denoise=spec.denoise, camera=spec.camera, engine=spec.engine,
            device=spec.device, depth_bits=spec.depth_bits, quality_percent=spec.quality_percent,
            region=msgspec.to_builtins(spec.region),
        )  # fmt: skip
        answer = await self._until("rendered", on_progress)
        self.memory_bytes = answer.memory_bytes
        return await self._receive(answer, target)

    async def preview(self, target: Path, *, width: int) -> Picture:
        """A small WebP of the current frame into the file `target`."""
        await self._send(command="preview", width=width)
        return await self._receive(await self._until("previewed"), target)

    async def merge(self, order: protocol.MergeOrder, target: Path) -> Picture:
        """Finish the open scene's frame from its merged tiles into the file `target`."""
        merged = f"{self._main_inside.removesuffix(order.main_path)}{order.merged_path}"
        await self._send(command="merge", merged=merged, **msgspec.to_builtins(order))
        return await self._receive(await self._until("merged"), target)

    def kill(self) -> None:
        self._ended_by_us = True
        self.box.kill()

    async def close(self) -> None:
        self.kill()
        await self.box.close()
        await self._log_reader

    async def _send(self, **command) -> None:
        try:
            self.box.commands.write(json.dumps(command).encode() + b"\n")
            await self.box.commands.drain()
        except (ConnectionError, RuntimeError):
            raise await self._death() from None

    async def _until(self, event: str, on_progress: OnProgress | None = None) -> Answer:
        """The answer named `event`; what comes before it is progress or noise."""
        while True:
            answer = await self._read_answer()
            if answer.event == event:
                return answer
            if answer.event == "failed":
                raise RunFailed(answer.reason, answer.detail, self.log_tail)
            if answer.event == "progress" and on_progress:
                on_progress(answer.fraction, answer.note)

    async def _read_answer(self) -> Answer:
        """The next line that is an answer. An installed Blender prints a greeting before the host script runs."""
        while True:
            try:
                line = await self.box.answers.readuntil(b"\n")
                if line.startswith(b'{"event"'):
                    return msgspec.json.decode(line, type=Answer)
            except (asyncio.IncompleteReadError, ConnectionError):
                raise await self._death() from None
            except (asyncio.LimitOverrunError, msgspec.MsgspecError, ValueError) as error:
                self.kill()
                raise RunFailed("renderer_crashed", f"unreadable answer: {error}"[:300], self.log_tail) from error

    async def _receive(self, answer: Answer, target: Path) -> Picture:
        """Copy the bytes that follow `answer` into `target`, hashing on the way."""
        if answer.size_bytes > self.limits.tmp_bytes:
            self.kill()
            raise RunFailed("output_invalid", "the picture is larger than the box", self.log_tail)
        digest, left = hashlib.sha256(), answer.size_bytes
        with target.open("wb") as file:
            while left:
                block = await self.box.answers.read(min(left, COPY_BYTES))
                if not block:
                    raise await self._death()
                left -= len(block)
                digest.update(block)
                file.write(block)
        return Picture(target, digest.hexdigest(), answer.size_bytes, answer)

    async def _death(self) -> RunFailed:
        """Why the process ended, as well as can be told from outside. Nobody but a kernel without memory kills it unasked."""
        by_itself = not self._ended_by_us and await self.box.ended()
        await self.close()
        code = self.box.process.returncode
        if self.box.oom_kills or any(words in self.log_tail for words in OUT_OF_MEMORY):
            return RunFailed("out_of_memory", f"more than {self.limits.memory_bytes >> 20} MiB", self.log_tail)
        if code in KILLED and by_itself:
            return RunFailed("out_of_memory", "the machine took the memory back", self.log_tail)
        return RunFailed("renderer_crashed", f"Blender ended with status {code}", self.log_tail)

    async def _read_log(self) -> None:
        """Hand on what the box prints, at a pace that leaves time for everything else."""
        while block := await self.box.noise.read(LOG_BLOCK_BYTES):
            self.log.add(block)
            await asyncio.sleep(len(block) / LOG_BYTES_PER_SECOND)


class time_limit:
    """`async with` that turns a time-out into RunFailed."""

    def __init__(self, seconds: float, words: str, *, reason: protocol.FailureReason = "time_limit") -> None:
        self._timeout, self._words, self._reason = asyncio.timeout(seconds), words, reason

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, *error) -> None:
        try:
            await self._timeout.__aexit__(*error)
        except TimeoutError:
            raise RunFailed(self._reason, self._words) from None
