"""Which engines and devices work on this machine, tried inside the box that strangers' scenes run in."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pictor_agent import engines
from pictor_agent.environments import NoBlender, RenderEnvironment, folders_of
from pictor_agent.sandbox import Contents, Limits, Sandbox
from pictor_agent.warm import RunFailed, WarmBlender

EGL_PROBE = Path(__file__).parent / "engines" / "egl_probe.py"
PROBE_INSIDE = "/run/egl_probe.py"
EGL_SECONDS = 60.0
DEVICE_SECONDS = 300.0  # a GPU driver may compile on its first use
LIMITS = Limits(memory_bytes=8 << 30, tmp_bytes=256 << 20)
GPU_FILES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dri")

Found = TypeVar("Found")


@dataclass(frozen=True)
class Abilities:
    """What a node says of itself when it signs on."""

    engines: list[str]
    notes: list[str]  # why an engine is not among them
    device: str  # the best kind that Cycles sees, or CPU


CYCLES_ALONE = Abilities(["cycles"], [], "CPU")


async def find_abilities(environments: dict[str, RenderEnvironment], sandbox: Sandbox) -> Abilities:
    obstacle = await egl_problem(sandbox)
    available = [engine.name for engine in engines.available() if not (engine.needs_opengl and obstacle)]
    notes = [f"{engine.label}: {obstacle}" for engine in engines.available() if engine.needs_opengl and obstacle]
    return Abilities(available, notes, await best_device(environments, sandbox))


async def egl_problem(sandbox: Sandbox) -> str:
    """Why OpenGL does not work in a box; empty when it does."""
    program = [sys.executable, "-I", "-S", sandbox.inside(str(EGL_PROBE), PROBE_INSIDE)]
    readable = [(folder, folder) for folder in folders_of(sys.executable, sys.prefix, sys.base_prefix)]
    box = await sandbox.start(Contents(program, [*readable, (str(EGL_PROBE), PROBE_INSIDE)]), LIMITS, python=sys.executable)
    try:
        said = await _within(EGL_SECONDS, box.answers.read(4_096))
        return str(json.loads(said or b"{}").get("problem", "the trial ended without an answer"))[:300]
    except (ValueError, AttributeError):
        return "the trial ended without an answer"
    finally:
        await box.close()


async def best_device(environments: dict[str, RenderEnvironment], sandbox: Sandbox) -> str:
    """What the newest Blender here renders on. Without a GPU's device files nothing needs to be started."""
    if sys.platform == "linux" and not any(Path(path).exists() for path in GPU_FILES):
        return "CPU"
    if not environments:
        return "CPU"
    newest = environments[max(environments, key=engines.series_number)]
    with contextlib.suppress(RunFailed, NoBlender):
        return await _within(DEVICE_SECONDS, _ask_blender(newest, sandbox)) or "CPU"
    return "CPU"


async def _ask_blender(environment: RenderEnvironment, sandbox: Sandbox) -> str:
    blender = await WarmBlender.start(environment, sandbox, Path(__file__).parent / "engines", "", LIMITS)
    try:
        return await blender.probe()
    finally:
        await blender.close()


async def _within(seconds: float, work: Awaitable[Found]) -> Found | None:
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        return None
