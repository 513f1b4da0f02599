"""Renders frames on this machine in warm Blenders, and says why one did not work.

Public: `Runner.shoot` and `Runner.describe`, or both as `Runner.render`; `Runner.inspect`, `Runner.merge`, `Runner.close`.
Cancelling the task that awaits a Blender kills its process within a second.
"""

import asyncio
import base64
import contextlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from pictor_agent import protocol, trees
from pictor_agent.attempt_log import AttemptLog
from pictor_agent.environments import Environments, NoBlender
from pictor_agent.pool import Entry, Key, Pool
from pictor_agent.sandbox import Limits, Sandbox
from pictor_agent.warm import OnProgress, Picture, RunFailed, WarmBlender, time_limit

MEMORY_SHARE = 0.75  # of the machine, for one box
WATCH_SECONDS = 0.5
PREVIEW_WIDTH = 240
PREVIEW_SECONDS = 6.0
PREVIEW_BYTES_MAX = 200_000


@dataclass(frozen=True)
class Shot:
    """A frame as it came out of a Blender, which may render the next one by now. Nobody has looked at the picture yet."""

    spec: protocol.RenderSpec
    picture: Picture
    log: AttemptLog
    entry: Entry


@dataclass(frozen=True)
class Rendered:
    """A frame on disk, with all that is said of it to the server."""

    path: Path
    result: protocol.RenderResult
    log_tail: str
    device: str


@dataclass
class Runner:
    """Renders one frame at a time per slot; slots share nothing but the pool of warm processes."""

    environments: Environments
    sandbox: Sandbox
    memory_bytes: int = 0  # limit of one box; 0: a share of the machine
    pool: Pool = field(default_factory=Pool)

    @property
    def limits(self) -> Limits:
        memory_bytes = self.memory_bytes or int(psutil.virtual_memory().total * MEMORY_SHARE)
        return Limits(memory_bytes, tmp_bytes=min(4 << 30, memory_bytes // 2))

    async def render(
        self,
        spec: protocol.RenderSpec,
        scene: Path,
        target: Path,
        on_progress: OnProgress = lambda *_: None,
        log: AttemptLog | None = None,
    ) -> Rendered:
        """Render `spec` from the folder `scene` into the file `target`, and describe the picture: `shoot`, then `describe`."""
        return await self.describe(await self.shoot(spec, scene, target, on_progress, log))

    async def shoot(
        self,
        spec: protocol.RenderSpec,
        scene: Path,
        target: Path,
        on_progress: OnProgress = lambda *_: None,
        log: AttemptLog | None = None,
    ) -> Shot:
        """Let a Blender write the picture; it is free when this returns. `log` gets what the renderer prints meanwhile.

        Raises:
            RunFailed: with the reason for the server. The process is gone.
            asyncio.CancelledError: the process is gone.
        """
        log = log or AttemptLog()
        await self._find_blender(spec.blender_version, on_progress)
        key = spec.blender_version, spec.scene_key, spec.main_path
        too_long = time_limit(spec.seconds_max, f"the frame took more than {spec.seconds_max:.0f} s")
        try:
            async with too_long, self._warm(key, scene, log) as entry:
                picture = await self._watched(entry.blender, entry.blender.render(spec, target, on_progress))
        except RunFailed as error:
            error.log_tail = log.tail
            raise
        return Shot(spec, picture, log, entry)

    async def describe(self, shot: Shot) -> Rendered:
        """Look at the picture, whatever its Blender does meanwhile.

        Raises:
            RunFailed: it is not what was ordered. No further frame begins in its process.
        """
        try:
            result = await asyncio.to_thread(describe, shot.spec, shot.picture)
        except RunFailed as error:
            error.log_tail = shot.log.tail
            await self.pool.distrust(shot.entry)
            raise
        return Rendered(shot.picture.path, result, shot.log.tail, shot.entry.blender.device)

    async def _find_blender(self, version: str, on_progress: OnProgress) -> None:
        """Fetch it where it is missing; that is no time of the frame's."""
        try:
            await self.environments.find(version, lambda words: on_progress(0.0, words))
        except NoBlender as error:
            raise RunFailed("blender_unavailable", str(error)) from error

    @contextlib.asynccontextmanager
    async def _warm(self, key: Key, scene: Path, log: AttemptLog):
        """A Blender that holds the scene, for one frame; whatever goes wrong with it ends it."""
        entry = await self.pool.take(key) or await self._start(key, scene)
        entry.blender.log = log
        try:
            if entry.frames == 0:
                await self._watched(entry.blender, entry.blender.open())
            yield entry
        except BaseException:
            await asyncio.shield(self.pool.drop(entry))
            raise
        await self.pool.give_back(entry)

    async def _start(self, key: Key, scene: Path) -> Entry:
        version, _, main_path = key
        check_main(scene, main_path)
        await self.pool.make_room(keep=max(0, self.pool.rules.scenes - 1))
        started = await WarmBlender.start(self.environments[version], self.sandbox, scene, main_path, self.limits)
        return self.pool.add(key, started)

    async def inspect(self, scene: Path, main_path: str, *, version: str, seconds_max: float, thumbnail: Path) -> dict:
        """What is in the .blend `main_path` of the folder `scene`; `thumbnail` is a file name to use.

        Raises:
            RunFailed: with the reason, when the file cannot be read within `seconds_max`.
        """
        check_main(scene, main_path)
        warm = await WarmBlender.start(self.environments[version], self.sandbox, scene, main_path, self.limits)
        try:
            async with time_limit(seconds_max, f"more than {seconds_max:.0f} s"):
                answer = await self._watched(warm, warm.open(inspect=True))
            return {**(answer.inspection or {}), "thumbnail": await _thumbnail(warm, thumbnail)}
        finally:
            await warm.close()

    async def merge(self, order: protocol.MergeOrder, scene: Path, target: Path) -> Picture:
        """Finish a frame whose tiles lie as one picture in the folder `scene`, into the file `target`.

        Raises:
            RunFailed: with the reason, when it cannot be finished within `order.seconds_max`.
        """
        for path in (order.main_path, order.merged_path):
            check_main(scene, path)
        await self._find_blender(order.blender_version, lambda *_: None)
        blender = self.environments[order.blender_version]
        warm = await WarmBlender.start(blender, self.sandbox, scene, order.main_path, self.limits)
        try:
            async with time_limit(order.seconds_max, f"more than {order.seconds_max:.0f} s"):
                await self._watched(warm, warm.open())
                return await self._watched(warm, warm.merge(order, target))
        finally:
            await warm.close()

    def has_open(self, scene_key: str) -> bool:
        """Does a warm process still see this scene's folder?"""
        return self.pool.sees(scene_key)

    async def close(self) -> None:
        await self.pool.close()

    async def _watched(self, blender: WarmBlender, work):
        """Await `work` while somebody looks after the memory of the box and of the machine."""
        watcher = asyncio.create_task(self._watch_memory(blender))
        try:
            return await work
        except RunFailed as error:
            if watcher.done() and not watcher.exception():
                raise RunFailed("out_of_memory", f"more than {blender.limits.memory_bytes >> 20} MiB") from error
            raise
        finally:
            watcher.cancel()

    async def _watch_memory(self, blender: WarmBlender) -> None:
        """Close idle scenes when memory gets short; returns when the box held more than it may and was killed.

        Where a cgroup counts, the kernel does the latter, and better.
        """
        while blender.box.group.limits_memory or trees.rss_bytes(blender.box.process.pid) <= blender.limits.memory_bytes:
            await asyncio.sleep(WATCH_SECONDS)
            await asyncio.shield(self.pool.make_room(keep=self.pool.rules.scenes))
        blender.kill()


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
    from pictor_agent import pixels  # 40 MB that a node without work does without

    wanted = spec.picture_size
    try:
        decoded = pixels.decode(picture.path, pixels_max=wanted[0] * wanted[1], image_format=spec.format)
    except pixels.Undecodable as error:
        raise RunFailed("output_invalid", str(error)) from error
    height, width = decoded.pixels.shape[:2]
    if (width, height) != wanted:
        raise RunFailed("output_invalid", f"{width} x {height} pixels instead of {wanted[0]} x {wanted[1]}")
    return protocol.RenderResult(
        file_sha256=picture.sha256,
        pixels_sha256=decoded.sha256,
        size_bytes=picture.size_bytes,
        width=width,
        height=height,
        render_seconds=picture.answer.seconds,
        peak_memory_bytes=picture.answer.peak_memory_bytes,
        device=picture.answer.device,
    )


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
