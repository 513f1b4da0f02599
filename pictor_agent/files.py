"""Scene files in, frames out: a content-addressed cache with a size limit, downloads and uploads that resume at a cut."""

import asyncio
import contextlib
import hashlib
import os
import random
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from pictor_agent import protocol
from pictor_agent.runner import RunFailed, safe_parts

CHUNK_BYTES = 4 << 20  # one PATCH; a cut costs at most this
TRIES = 8
BACKOFF_SECONDS_MIN, BACKOFF_SECONDS_MAX = 0.2, 20.0
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
DOWNLOADS_MAX = 4
RESERVE_BYTES = 1 << 30  # of disk that the cache leaves free
GONE = (401, 403, 404, 410)  # the URL has expired or was never right: ask for another

RenewUrl = Callable[[str], Awaitable[str]]


class UrlExpired(Exception):
    """The server no longer honours this file URL."""


class UploadFailed(Exception):
    """The file did not get there after every try."""


def make_client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=True, limits=httpx.Limits(max_connections=8))


def pause_seconds(number: int) -> float:
    """How long to wait before try `number` (from 1), with jitter so that nodes do not come back together."""
    return random.uniform(0.5, 1.0) * min(BACKOFF_SECONDS_MIN * 2**number, BACKOFF_SECONDS_MAX)


# Scenes in ------------------------------------------------------------------------------------------------------------


@dataclass
class FileStore:
    """Files by hash, and scene folders made of hard links to them."""

    folder: Path
    size_bytes_max: int
    client: httpx.AsyncClient
    is_open: Callable[[str], bool] = lambda scene_key: False  # does a warm process see this scene?
    used_by: dict[str, int] = field(default_factory=dict)  # scene_key -> holders; never evicted
    wanted: list[set[str]] = field(default_factory=list)  # hashes of scenes that are being put together
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    downloads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(DOWNLOADS_MAX))

    def __post_init__(self) -> None:
        for name in ("files", "partial", "scenes"):
            (self.folder / name).mkdir(mode=0o755, parents=True, exist_ok=True)

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
            RunFailed: asset_missing, or scene_unreadable for a path that would leave the folder.
        """
        check_paths(spec.files)
        folder = self.folder / "scenes" / spec.scene_key
        async with self._lock("scene " + spec.scene_key):
            if not folder.is_dir():
                with self._wanting({file.sha256 for file in spec.files}):
                    self._make_room(self._missing_bytes(spec.files))
                    await asyncio.gather(*(self._fetch_unless_here(file, renew) for file in spec.files))
                    await asyncio.to_thread(self._link_scene, spec, folder)
        os.utime(folder)
        return folder

    async def _fetch_unless_here(self, file: protocol.FileRef, renew: RenewUrl) -> None:
        async with self._lock(file.sha256), self.downloads:
            if not self._path(file.sha256).exists():
                await self._fetch(file, renew)

    async def _fetch(self, file: protocol.FileRef, renew: RenewUrl) -> None:
        url = file.url
        for number in range(1, TRIES + 1):
            try:
                await self._download(file, url)
                return
            except UrlExpired:
                url = await renew(file.sha256)
            except (httpx.HTTPError, OSError):
                await asyncio.sleep(pause_seconds(number))
        raise RunFailed("asset_missing", f"{file.path[:200]} could not be fetched")

    async def _download(self, file: protocol.FileRef, url: str) -> None:
        """Fetch what is not here yet; the file takes its place only when its hash is right."""
        partial = self.folder / "partial" / file.sha256
        have = partial.stat().st_size if partial.exists() else 0
        if have > file.size_bytes:
            partial.unlink()
            have = 0
        if have < file.size_bytes or not have:
            await self._append(partial, url, have, file.size_bytes)
        if await asyncio.to_thread(file_sha256, partial) != file.sha256:
            partial.unlink()
            raise OSError(f"{file.path} has another hash than promised")
        partial.chmod(0o644)
        self._path(file.sha256).parent.mkdir(mode=0o755, exist_ok=True)
        partial.rename(self._path(file.sha256))

    async def _append(self, partial: Path, url: str, have: int, size_bytes: int) -> None:
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        async with self.client.stream("GET", url, headers=headers) as answer:
            if answer.status_code in GONE:
                raise UrlExpired
            answer.raise_for_status()
            resumed = have and answer.status_code == 206
            with partial.open("ab" if resumed else "wb") as target:
                left = size_bytes - (have if resumed else 0)
                async for block in answer.aiter_raw():  # as it comes: what has arrived before a cut is kept
                    left -= len(block)
                    if left < 0:
                        raise OSError("more bytes than promised")
                    target.write(block)
        if left:
            raise OSError(f"cut {left} bytes before the end")

    def _link_scene(self, spec: protocol.RenderSpec, folder: Path) -> None:
        """Lay the files out under a spare name, then put the folder in place whole."""
        spare = folder.with_name(folder.name + ".new")
        shutil.rmtree(spare, ignore_errors=True)
        spare.mkdir(mode=0o755)
        for file in spec.files:
            target = spare.joinpath(*safe_parts(file.path))
            target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            os.link(self._path(file.sha256), target)
            os.utime(target)
        spare.rename(folder)

    @contextlib.contextmanager
    def _wanting(self, hashes: set[str]):
        """Keep these files while a scene is put together from them."""
        self.wanted.append(hashes)
        try:
            yield
        finally:
            self.wanted.remove(hashes)

    def _missing_bytes(self, refs: list[protocol.FileRef]) -> int:
        missing = {ref.sha256: ref.size_bytes for ref in refs if not self._path(ref.sha256).exists()}
        return sum(missing.values())

    def _make_room(self, needed_bytes: int) -> None:
        """Drop the scenes used longest ago, with their files, until `needed_bytes` fit under the limit and on the disk.

        Raises:
            RunFailed: they will not fit even so.
        """
        self._drop_unused_files()
        for scene in by_age((self.folder / "scenes").iterdir()):
            if self._fits(needed_bytes):
                return
            if scene.name not in self.used_by and not self.is_open(scene.name):
                shutil.rmtree(scene, ignore_errors=True)
                self._drop_unused_files()
        if not self._fits(needed_bytes):
            raise RunFailed("agent_error", f"no room for {needed_bytes >> 20} MiB of scene files")

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

    def _files(self) -> list[Path]:
        return [*(self.folder / "files").glob("*/*"), *(self.folder / "partial").iterdir()]

    def _path(self, sha256: str) -> Path:
        return self.folder / "files" / sha256[:2] / sha256

    def _lock(self, name: str) -> asyncio.Lock:
        return self.locks.setdefault(name, asyncio.Lock())


def check_paths(files: list[protocol.FileRef]) -> None:
    """Every path stays in its folder, and none lies below another."""
    seen = {tuple(safe_parts(file.path)) for file in files}
    if len(seen) != len(files) or any(path[:length] in seen for path in seen for length in range(1, len(path))):
        raise RunFailed("scene_unreadable", "two files of the scene want the same place")


def by_age(paths) -> list[Path]:
    """Oldest use first."""
    return sorted(paths, key=lambda path: path.stat().st_mtime)


def file_sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


# Frames out -----------------------------------------------------------------------------------------------------------


async def upload(client: httpx.AsyncClient, path: Path, url: str) -> None:
    """Send a file to a granted URL, going on where an earlier try was cut.

    Raises:
        UrlExpired: ask for a new grant.
        UploadFailed: not there after every try.
    """
    size_bytes, cuts = path.stat().st_size, 0
    while cuts < TRIES:
        try:
            offset = await _offset(client, url)
            while offset < size_bytes:
                offset = await _patch(client, path, url, offset)
                cuts = 0
            return
        except (httpx.HTTPError, OSError):
            cuts += 1
            await asyncio.sleep(pause_seconds(cuts))
    raise UploadFailed(f"{size_bytes} bytes did not arrive in {TRIES} tries")


async def _offset(client: httpx.AsyncClient, url: str) -> int:
    answer = await client.head(url)
    if answer.status_code in GONE:
        raise UrlExpired
    answer.raise_for_status()
    with contextlib.suppress(KeyError, ValueError):
        return int(answer.headers["Upload-Offset"])
    raise httpx.HTTPError("the server does not say its offset")


async def _patch(client: httpx.AsyncClient, path: Path, url: str, offset: int) -> int:
    """Send one chunk; returns the server's new offset."""
    block = await asyncio.to_thread(_read_block, path, offset)
    headers = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    answer = await client.patch(url, content=block, headers=headers)
    if answer.status_code in GONE:
        raise UrlExpired
    answer.raise_for_status()
    return int(answer.headers.get("Upload-Offset", offset + len(block)))


def _read_block(path: Path, offset: int) -> bytes:
    with path.open("rb") as source:
        source.seek(offset)
        return source.read(CHUNK_BYTES)
