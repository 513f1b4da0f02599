"""Renders frames on this machine: keeps warm Blenders, one per exact version and scene, and knows when to renew them.

Public: `Runner.render`, `Runner.inspect`, `Runner.close`. Cancelling the awaiting task kills the process within a second.
"""

import asyncio
import base64
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from pictor_agent import engines, pixels, protocol
from pictor_agent.environments import RenderEnvironment, find_environment
from pictor_agent.sandbox import Limits, Sandbox
from pictor_agent.warm import OnProgress, Picture, RunFailed, WarmBlender, time_limit

WARM_MAX = 2  # scenes kept open: two jobs that alternate do not reload each time
AGE_SECONDS_MAX = 6 * 3_600  # a leak in Blender or a driver does not live longer
FRAMES_MAX = 2_000
MEMORY_SHARE = 0.75  # of the machine, for one box
RENEW_SHARE = 0.6  # of its limit: a process that holds more after a frame is not used again
WATCH_SECONDS = 0.5
PREVIEW_WIDTH = 240
PREVIEW_SECONDS = 6.0
PREVIEW_BYTES_MAX = 200_000


@dataclass(frozen=True)
class Rendered:
    """A frame on disk, with all that is said of it to the server."""

    path: Path
    result: protocol.RenderResult
    log_tail: str
    device: str


@dataclass
class Runner:
    """Renders one frame at a time per slot; slots share nothing but the limit on warm processes."""

    environments: dict[str, RenderEnvironment]  # by exact version
    sandbox: Sandbox
    memory_bytes: int = 0  # limit of one box; 0: a share of the machine
    warm: dict[tuple, list] = field(default_factory=dict)  # key -> [WarmBlender, frames]; oldest use first

    @property
    def limits(self) -> Limits:
        memory_bytes = self.memory_bytes or int(psutil.virtual_memory().total * MEMORY_SHARE)
        return Limits(memory_bytes, tmp_bytes=min(4 << 30, memory_bytes // 2))

    async def render(
        self, spec: protocol.RenderSpec, scene: Path, target: Path, on_progress: OnProgress = lambda *_: None
    ) -> Rendered:
        """Render `spec` from the folder `scene` into the file `target`.

        Raises:
            RunFailed: with the reason for the server. The process is gone unless the scene alone was at fault.
            asyncio.CancelledError: the process has been killed.
        """
        key = (spec.blender_version, spec.scene_key, spec.main_path)
        try:
            async with time_limit(spec.seconds_max, f"more than {spec.seconds_max:.0f} s"):
                warm = await self._take(key, scene)
                picture = await _watched(warm, warm.render(spec, target, on_progress))
        except BaseException as error:
            if isinstance(error, RunFailed) and key in self.warm:
                error.log_tail = error.log_tail or self.warm[key][0].log_tail
            await asyncio.shield(self._drop(key))
            raise
        await self._renew_if_spent(key)
        log_tail = warm.log_tail
        return Rendered(target, await asyncio.to_thread(describe, spec, picture), log_tail, warm.device)

    async def inspect(self, scene: Path, main_path: str, *, version: str, seconds_max: float, thumbnail: Path) -> dict:
        """What is in the .blend `main_path` of the folder `scene`; `thumbnail` is a file name to use.

        Raises:
            RunFailed: with the reason, when the file cannot be read within `seconds_max`.
        """
        check_main(scene, main_path)
        warm = await WarmBlender.start(self.environments[version], self.sandbox, scene, main_path, self.limits)
        try:
            async with time_limit(seconds_max, f"more than {seconds_max:.0f} s"):
                answer = await _watched(warm, warm.open(inspect=True))
            return {**(answer.inspection or {}), "thumbnail": await _thumbnail(warm, thumbnail)}
        finally:
            await warm.close()

    def has_open(self, scene_key: str) -> bool:
        """Does a warm process still see this scene's folder?"""
        return any(key[1] == scene_key for key in self.warm)

    async def close(self) -> None:
        for key in list(self.warm):
            await self._drop(key)

    async def _take(self, key: tuple, scene: Path) -> WarmBlender:
        """The warm process that holds this scene, started if there is none."""
        if key in self.warm and self.warm[key][0].is_alive:
            self.warm[key] = entry = self.warm.pop(key)  # newest use last
            entry[1] += 1
            return entry[0]
        await self._drop(key)
        version, _, main_path = key
        if version not in self.environments:
            raise RunFailed("agent_error", f"Blender {version} is not on this node")
        check_main(scene, main_path)
        while len(self.warm) >= WARM_MAX:
            await self._drop(next(iter(self.warm)))
        warm = await WarmBlender.start(self.environments[version], self.sandbox, scene, main_path, self.limits)
        self.warm[key] = [warm, 1]
        await _watched(warm, warm.open())
        return warm

    async def _renew_if_spent(self, key: tuple) -> None:
        warm, frames = self.warm[key]
        heavy = warm.memory_bytes > self.limits.memory_bytes * RENEW_SHARE
        if heavy or frames >= FRAMES_MAX or warm.age_seconds > AGE_SECONDS_MAX:
            await self._drop(key)

    async def _drop(self, key: tuple) -> None:
        if entry := self.warm.pop(key, None):
            await entry[0].close()


def make_environments(programs: list[str]) -> dict[str, RenderEnvironment]:
    """By exact version. Raises environments.NoBlender for one that cannot be used."""
    found = [find_environment(program) for program in programs]
    return {environment.version: environment for environment in found}


def check_main(scene: Path, main_path: str) -> None:
    """The main file lies in the folder, as a plain file, with no link on the way."""
    try:
        path = scene
        for part in safe_parts(main_path):
            path = path / part
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                raise RunFailed("scene_unreadable", "the path leads over a symbolic link")
        if not stat.S_ISREG(mode):
            raise RunFailed("scene_unreadable", "not a file")
    except FileNotFoundError:
        raise RunFailed("asset_missing", f"no file {main_path[:200]}") from None


def safe_parts(path: str) -> list[str]:
    """The parts of a relative path that cannot leave its folder.

    Raises:
        RunFailed: absolute, "..", empty parts, backslashes or control characters.
    """
    parts = path.split("/")
    plain = all(part not in ("", ".", "..") and len(part.encode()) <= 255 for part in parts)
    if not plain or "\\" in path or any(ord(letter) < 32 or ord(letter) == 127 for letter in path):
        raise RunFailed("scene_unreadable", f"not a safe path: {path[:200]!r}")
    return parts


def describe(spec: protocol.RenderSpec, picture: Picture) -> protocol.RenderResult:
    """Decode the picture, see that it is what was ordered, and commit to its pixels."""
    try:
        decoded = pixels.read_pixels(picture.path, pixels_max=spec.width * spec.height)
    except pixels.Undecodable as error:
        raise RunFailed("output_invalid", str(error)) from error
    height, width = decoded.shape[:2]
    if (width, height) != (spec.width, spec.height):
        raise RunFailed("output_invalid", f"{width} x {height} pixels instead of {spec.width} x {spec.height}")
    return protocol.RenderResult(
        file_sha256=picture.sha256,
        pixels_sha256=pixels.pixels_sha256(decoded),
        size_bytes=picture.size_bytes,
        width=width,
        height=height,
        render_seconds=picture.answer.seconds,
        peak_memory_bytes=picture.answer.peak_memory_bytes,
    )


async def _watched(warm: WarmBlender, work):
    """Await `work`; kill the box when it holds more memory than it may and no cgroup counts for us."""
    if warm.box.group.limits_memory:
        return await work
    watcher = asyncio.create_task(_kill_when_too_large(warm))
    try:
        return await work
    except RunFailed as error:
        if watcher.done():
            raise RunFailed("out_of_memory", f"more than {warm.limits.memory_bytes >> 20} MiB", error.log_tail) from error
        raise
    finally:
        watcher.cancel()


async def _kill_when_too_large(warm: WarmBlender) -> None:
    while _tree_rss_bytes(warm.box.process.pid) <= warm.limits.memory_bytes:
        await asyncio.sleep(WATCH_SECONDS)
    warm.kill()


def _tree_rss_bytes(pid: int) -> int:
    try:
        top = psutil.Process(pid)
        return sum(process.memory_info().rss for process in [top, *top.children(recursive=True)])
    except psutil.Error:
        return 0


async def _thumbnail(warm: WarmBlender, target: Path) -> str | None:
    """A small picture as base64 WebP; None when it takes too long or the scene has no camera."""
    try:
        async with time_limit(PREVIEW_SECONDS, "preview"):
            picture = await warm.preview(target, width=PREVIEW_WIDTH)
    except RunFailed:
        return None
    if picture.size_bytes > PREVIEW_BYTES_MAX:
        return None
    return base64.b64encode(target.read_bytes()).decode()


def versions_offered(environments: dict[str, RenderEnvironment]) -> list[str]:
    """Versions that are installed here and known to the network."""
    known = {version.exact for version in engines.blender_versions_available()}
    return sorted(known & set(environments))
