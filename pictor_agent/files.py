"""The cache of scene files: content-addressed, bounded, the scene used longest ago goes first; scenes are folders of links.

What lies here is believed only after its hash was right once in the life of this process, and while size, place and
time of change are what they were then: a disk that errs, or a power cut, costs one more download.
"""

import asyncio
import contextlib
import errno
import hashlib
import itertools
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from weakref import WeakValueDictionary

import httpx

from pictor_agent import protocol, transfers
from pictor_agent.bandwidth import Bandwidth
from pictor_agent.runner import RunFailed, safe_parts
from pictor_agent.transfers import UrlExpired, download, pause_seconds

DOWNLOADS_MAX = 4
RESERVE_BYTES = 1 << 30  # of disk that the cache leaves free
FULL = (errno.ENOSPC, errno.EDQUOT)
SPARE = ".new"  # marks a scene folder that is being made

RenewUrl = Callable[[str], Awaitable[str]]
Stamp = tuple[int, int, int]  # inode, bytes, time of change


@dataclass
class FileStore:
    """Files by hash, and scene folders made of hard links to them."""

    folder: Path
    size_bytes_max: int
    client: httpx.AsyncClient
    is_open: Callable[[str], bool] = lambda scene_key: False  # does a warm process see this scene?
    used_by: dict[str, int] = field(default_factory=dict)  # scene_key -> holders; never evicted
    wanted: list[set[str]] = field(default_factory=list)  # hashes of scenes that are being put together
    sound: dict[str, Stamp] = field(default_factory=dict)  # files whose hash was right, by hash
    locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    downloads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(DOWNLOADS_MAX))
    bandwidth: Bandwidth = field(default_factory=Bandwidth)
    _numbers: itertools.count = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        for name in ("files", "partial", "scenes"):
            (self.folder / name).mkdir(mode=0o755, parents=True, exist_ok=True)
        for spare in (self.folder / "scenes").glob(f"*{SPARE}*"):
            shutil.rmtree(spare, ignore_errors=True)

    def hold(self, scene_key: str) -> None:
        """Keep a scene on disk until `release`."""
        self.used_by[scene_key] = self.used_by.get(scene_key, 0) + 1

    def release(self, scene_key: str) -> None:
        self.used_by[scene_key] -= 1
        if not self.used_by[scene_key]:
            del self.used_by[scene_key]

    async def scene(self, spec: protocol.RenderSpec, renew: RenewUrl) -> Path:
        """The folder of a scene with all its files, fetched as needed. Hold the key before.

        Raises:
            RunFailed: asset_missing; disk_full; or scene_unreadable for a path that would leave the folder.
        """
        check_paths(spec.files)
        folder = self.folder / "scenes" / spec.scene_key
        async with self._lock("scene " + spec.scene_key):
            if not self.is_open(spec.scene_key) and not await self._is_whole(spec, folder):
                shutil.rmtree(folder, ignore_errors=True)
            if not folder.is_dir():
                with self._wanting({file.sha256 for file in spec.files}), _disk_errors():
                    self._make_room(self._missing_bytes(spec.files))
                    await asyncio.gather(*(self._fetch_unless_here(file, renew) for file in spec.files))
                    await asyncio.to_thread(self._link_scene, spec, folder)
        os.utime(folder)
        return folder

    # Belief -----------------------------------------------------------------------------------------------------------

    async def _is_whole(self, spec: protocol.RenderSpec, folder: Path) -> bool:
        for file in spec.files:
            if not await self._is_sound(file, folder.joinpath(*safe_parts(file.path))):
                return False
        return True

    async def _is_sound(self, file: protocol.FileRef, path: Path) -> bool:
        """Does `path` hold what `file` promises? Hashed once, and again when it is not the same file as then."""
        found = stamp(path)
        if found is None or found[1] != file.size_bytes:
            return False
        if self.sound.get(file.sha256) != found:
            if await asyncio.to_thread(file_sha256, path) != file.sha256:
                return False
            self.sound[file.sha256] = found
        return True

    # Fetching ---------------------------------------------------------------------------------------------------------

    async def _fetch_unless_here(self, file: protocol.FileRef, renew: RenewUrl) -> None:
        async with self._lock(file.sha256), self.downloads:
            if not await self._is_sound(file, self._path(file.sha256)):
                self._path(file.sha256).unlink(missing_ok=True)
                await self._fetch(file, renew)

    async def _fetch(self, file: protocol.FileRef, renew: RenewUrl) -> None:
        url = file.url
        for number in range(1, transfers.TRIES + 1):
            try:
                await self._download(file, url)
                return
            except UrlExpired:
                url = await renew(file.sha256)
            except (httpx.HTTPError, OSError) as error:
                if isinstance(error, OSError) and error.errno in FULL and not self._drop_oldest():
                    raise RunFailed("disk_full", f"no room for {file.size_bytes >> 20} MiB of a scene's file") from error
                await asyncio.sleep(pause_seconds(number))
        raise RunFailed("asset_missing", f"{file.path[:200]} could not be fetched")

    async def _download(self, file: protocol.FileRef, url: str) -> None:
        """Fetch what is not here yet; the file takes its place only when its hash is right."""
        partial = self.folder / "partial" / file.sha256
        await download(self.client, url, partial, file.size_bytes, self.bandwidth)
        if await asyncio.to_thread(file_sha256, partial) != file.sha256:
            partial.unlink()
            raise OSError(f"{file.path} has another hash than promised")
        partial.chmod(0o644)
        self._path(file.sha256).parent.mkdir(mode=0o755, exist_ok=True)
        partial.rename(self._path(file.sha256))
        await self._is_sound(file, self._path(file.sha256))

    def _link_scene(self, spec: protocol.RenderSpec, folder: Path) -> None:
        """Lay the files out under a spare name, then put the folder in place whole."""
        spare = folder.with_name(f"{folder.name}{SPARE}{next(self._numbers)}")
        try:
            spare.mkdir(mode=0o755)
            for file in spec.files:
                target = spare.joinpath(*safe_parts(file.path))
                target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                os.link(self._path(file.sha256), target)
            spare.rename(folder)
        finally:
            shutil.rmtree(spare, ignore_errors=True)

    @contextlib.contextmanager
    def _wanting(self, hashes: set[str]):
        """Keep these files while a scene is put together from them."""
        self.wanted.append(hashes)
        try:
            yield
        finally:
            self.wanted.remove(hashes)

    # Room -------------------------------------------------------------------------------------------------------------

    def _missing_bytes(self, refs: list[protocol.FileRef]) -> int:
        missing = {ref.sha256: ref.size_bytes for ref in refs if not self._path(ref.sha256).exists()}
        return sum(missing.values())

    def _make_room(self, needed_bytes: int) -> None:
        """Drop the scenes used longest ago, with their files, until `needed_bytes` fit under the limit and on the disk.

        Raises:
            RunFailed: they will not fit even so.
        """
        self._drop_unused_files()
        while not self._fits(needed_bytes):
            if not self._drop_oldest():
                raise RunFailed("disk_full", f"no room for {needed_bytes >> 20} MiB of scene files")

    def _drop_oldest(self) -> bool:
        """Drop the scene used longest ago that nobody needs now or next; False when there is none."""
        for scene in by_age((self.folder / "scenes").iterdir()):
            if SPARE not in scene.name and scene.name not in self.used_by and not self.is_open(scene.name):
                shutil.rmtree(scene, ignore_errors=True)
                self._drop_unused_files()
                return not scene.exists()
        return False

    def _fits(self, needed_bytes: int) -> bool:
        used = sum(path.stat().st_size for path in self._files())
        free = shutil.disk_usage(self.folder).free
        return used + needed_bytes <= self.size_bytes_max and free - needed_bytes >= RESERVE_BYTES

    def _drop_unused_files(self) -> None:
        """Files in no scene and halves of files, except for those that a scene waits for."""
        wanted = set().union(*self.wanted)
        for path in self._files():
            if path.name not in wanted and path.stat().st_nlink == 1:
                path.unlink()
                self.sound.pop(path.name, None)

    def _files(self) -> list[Path]:
        return [*(self.folder / "files").glob("*/*"), *(self.folder / "partial").iterdir()]

    def _path(self, sha256: str) -> Path:
        return self.folder / "files" / sha256[:2] / sha256

    def _lock(self, name: str) -> asyncio.Lock:
        return self.locks.setdefault(name, asyncio.Lock())


@contextlib.contextmanager
def _disk_errors():
    """A disk that is full while a scene is laid out is said as such."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise RunFailed("disk_full", str(error)) from error


def check_paths(files: list[protocol.FileRef]) -> None:
    """Every path stays in its folder, and none lies below another."""
    seen = {tuple(safe_parts(file.path)) for file in files}
    if len(seen) != len(files) or any(path[:length] in seen for path in seen for length in range(1, len(path))):
        raise RunFailed("scene_unreadable", "two files of the scene want the same place")


def by_age(paths) -> list[Path]:
    """Oldest use first."""
    return sorted(paths, key=lambda path: path.stat().st_mtime)


def stamp(path: Path) -> Stamp | None:
    """What tells this file from another that lies or lay here; None when there is none."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def file_sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
