"""A scene's files on their way to us: announced with their hashes, only unknown ones sent, in parts that go on anywhere.

The partial files are the truth about what has arrived; `Upload.received_bytes` follows them for pages and sweeps.
"""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least

from common import clock, resumable
from common.resumable import TooLarge
from common.words import one_line
from rendering import quotas
from rendering.errors import BadScene, UnfitUpload
from rendering.models import Asset, Scene, Upload
from rendering.unpacking import FILES_MAX, check_clashes, safe_path

PREFIX = "upload-"  # of the folders of partial files
SUFFIXES = (".blend", ".zip")
PART_BYTES = 8 * 1024**2  # a file is sent in parts of this size, the last one shorter
HASH_CHARACTERS = frozenset("0123456789abcdef")


class Announced(NamedTuple):
    """A file that is to be part of the scene."""

    path: str
    size_bytes: int
    sha256: str = ""  # "": not known before it is here
    is_here: bool = False  # nothing of it is to be sent


# Announcing -----------------------------------------------------------------------------------------------------------


def start_upload(*, owner, name: str, size_bytes: int, sha256: str = "") -> Upload:
    """An upload of one file: a .blend or a .zip.

    Raises:
        UnfitUpload: see `begin_upload`.
    """
    return begin_upload(owner, [Announced(plain_name(name), size_bytes, sha256)])


@transaction.atomic
def begin_upload(owner, announced: list[Announced], *, main: str = "") -> Upload:
    """The upload of these files: a fresh one, or the one that was begun with the very same files and not finished.

    What will be rendered stands first: `main`, else the likeliest .blend.

    Raises:
        UnfitUpload: another kind of file, empty, larger than UPLOAD_BYTES_MAX, unsafe paths, or over a limit of the account.
    """
    files = [file._replace(path=_plain_path(file.path)) for file in announced]
    _check_announced(files)
    first = main if main in {file.path for file in files} else next(iter(blends_of([file.path for file in files])), "")
    files.sort(key=lambda file: (file.path != first, file.path))
    manifest = manifest_sha256(files)
    quotas.one_at_a_time(owner)
    begun = _begun(owner, manifest)
    if begun:
        return begun
    quotas.check_drafts(owner)
    quotas.check_open_uploads(owner)
    files = list(_with_known(owner, files))
    quotas.check_stored(owner, sum(file.size_bytes for file in files if not file.is_here))
    return Upload.objects.create(
        owner=owner,
        name=PurePosixPath(_name_of(files)).name[-255:],
        files=files,
        manifest_sha256=manifest,
        size_bytes=sum(file.size_bytes for file in files if not file.is_here),
    )


def blends_of(paths: list[str]) -> list[str]:
    """The .blend files, the likeliest to be meant first: nearest to the top, then by the alphabet."""
    blends = [path for path in paths if path.lower().endswith(".blend")]
    return sorted(blends, key=lambda path: (path.count("/"), path.lower()))


def plain_name(name: str) -> str:
    """The last part of a file name, whatever the sender's system separates folders with, in letters that can be shown."""
    shown = "".join(letter for letter in name.replace("\\", "/") if letter.isprintable())
    return PurePosixPath(shown).name.strip()[-255:]


def plain_stem(path: str) -> str:
    """What a job of this file is called until its creator says otherwise."""
    return one_line(PurePosixPath(path).stem)[:120].strip() or "scene"


def _plain_path(path: str) -> str:
    try:
        return safe_path("".join(letter for letter in path if letter.isprintable()))
    except BadScene as error:
        raise UnfitUpload(str(error)) from error


def manifest_sha256(files: Iterable[Announced]) -> str:
    """Equal for equal files; "" when a hash is not known, so that nothing is taken for the same."""
    lines = [(file.path, file.size_bytes, file.sha256) for file in files]
    return hashlib.sha256(json.dumps(lines).encode()).hexdigest() if all(line[2] for line in lines) else ""


def _begun(owner, manifest: str) -> Upload | None:
    return Upload.objects.filter(owner=owner, manifest_sha256=manifest).order_by("-created_at").first() if manifest else None


def _name_of(files: list[Announced]) -> str:
    return next((file.path for file in files if file.path.lower().endswith(SUFFIXES)), files[0].path)


def _check_announced(files: list[Announced]) -> None:
    names = [file.path.lower() for file in files]
    if len(files) > FILES_MAX:
        raise UnfitUpload(f"These are more than {FILES_MAX:,} files.")
    if not any(name.endswith(SUFFIXES) for name in names):
        raise UnfitUpload("Choose a .blend file, or a .zip that holds a .blend and its assets.")
    if len(files) > 1 and any(name.endswith(".zip") for name in names):
        raise UnfitUpload("Send a .zip alone, or its files without the .zip.")
    _check_hashes(files)
    _check_sizes(files)
    try:
        check_clashes([file.path for file in files])
    except BadScene as error:
        raise UnfitUpload(str(error)) from error


def _check_hashes(files: list[Announced]) -> None:
    for file in files:
        if file.sha256 and not (len(file.sha256) == 64 and HASH_CHARACTERS.issuperset(file.sha256)):
            raise UnfitUpload(f"{file.path} came with something that is no SHA-256.")


def _check_sizes(files: list[Announced]) -> None:
    for file in files:
        if file.size_bytes < 0 or (not file.size_bytes and file.path.lower().endswith(SUFFIXES)):
            raise UnfitUpload(f"{file.path} is empty.")
    if sum(file.size_bytes for file in files) > settings.UPLOAD_BYTES_MAX:
        what = files[0].path if len(files) == 1 else "This scene"
        raise UnfitUpload(f"{what} is larger than {settings.UPLOAD_BYTES_MAX // 1024**2:,} MiB, the limit for one upload.")


def _with_known(owner, files: list[Announced]) -> Iterator[Announced]:
    """Marks what need not be sent: the owner's own assets, and archives that were taken apart before. Nobody else's."""
    hashes = [file.sha256 for file in files if file.sha256]
    known = set(Asset.objects.filter(owner=owner, sha256__in=hashes).values_list("sha256", flat=True))
    known |= {scene.archive_sha256 for scene in Scene.objects.unpacked_from(owner, hashes)}
    for file in files:
        yield file._replace(is_here=file.sha256 in known or not file.size_bytes)


# Receiving ------------------------------------------------------------------------------------------------------------


def files_of(upload: Upload) -> list[Announced]:
    return [Announced(*file) for file in upload.files]


def folder_of(upload: Upload) -> Path:
    """Where the bytes of an unfinished upload collect; it may not exist yet."""
    return resumable.partial_path(f"{PREFIX}{upload.pk}")


def partial_path(upload: Upload, file: int = 0, part: int = 0) -> Path:
    """Where a part of a file collects; the first part's file becomes the whole one."""
    return folder_of(upload) / f"{file}-{part}"


def part_bytes(file: Announced, part: int) -> int:
    """How long this part is; 0 or less when the file has no such part."""
    return min(PART_BYTES, file.size_bytes - part * PART_BYTES)


def append_to_upload(upload: Upload, *, offset: int, stream: BinaryIO, file: int = 0, part: int = 0) -> int:
    """Append `stream` at `offset` of a part; returns the new offset.

    Raises:
        common.resumable.OffsetMismatch: the part does not end at `offset`, or somebody else is sending it.
        common.resumable.TooLarge: more bytes than announced, or than one request may have.
    """
    files = files_of(upload)
    if file >= len(files) or files[file].is_here or part_bytes(files[file], part) <= 0:
        raise TooLarge("There is no such part.")
    reached = resumable.append_chunk(
        partial_path(upload, file, part),
        offset,
        stream,
        size_bytes=part_bytes(files[file], part),
        chunk_max=settings.CHUNK_BYTES_MAX,
    )
    _touch(upload, reached - offset)
    return reached


def _touch(upload: Upload, more_bytes: int) -> None:
    """It goes on: its two days begin anew. What a broken line brought is not counted; the partial files know."""
    Upload.objects.filter(pk=upload.pk).update(
        received_bytes=Least(F("received_bytes") + more_bytes, F("size_bytes")), touched_at=clock.now()
    )


def received_bytes(upload: Upload) -> int:
    """What lies here of it."""
    return sum(arrived(upload).values())


def arrived(upload: Upload) -> dict[tuple[int, int], int]:
    """(file, part) -> bytes of every part that has begun to arrive."""
    try:
        with os.scandir(folder_of(upload)) as entries:
            return {_numbers(entry.name): entry.stat().st_size for entry in entries}
    except FileNotFoundError:
        return {}


def _numbers(name: str) -> tuple[int, int]:
    file, _, part = name.partition("-")
    return int(file), int(part)


def missing(upload: Upload) -> list[int]:
    """The numbers of files that are not here in full."""
    here = arrived(upload)
    return [number for number, file in enumerate(files_of(upload)) if not file.is_here and not _is_whole(here, number, file)]


def _is_whole(here: dict[tuple[int, int], int], number: int, file: Announced) -> bool:
    parts = range(-(-file.size_bytes // PART_BYTES))
    return all(here.get((number, part), 0) == part_bytes(file, part) for part in parts)


class _Parts(io.RawIOBase):
    """The parts of a file as one that can be read and sought, before they are joined."""

    def __init__(self, upload: Upload, number: int) -> None:
        self.path_of = lambda part: partial_path(upload, number, part)
        self.size_bytes = files_of(upload)[number].size_bytes
        self.at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: self.size_bytes}[whence]
        self.at = max(0, base + offset)
        return self.at

    def readinto(self, buffer) -> int:
        part, inside = divmod(self.at, PART_BYTES)
        if self.at >= self.size_bytes:
            return 0
        with open(self.path_of(part), "rb") as file:
            file.seek(inside)
            read = file.readinto(memoryview(buffer)[: PART_BYTES - inside])
        self.at += read
        return read


def opened(upload: Upload, number: int) -> BinaryIO:
    """A file that has arrived in full and is not joined yet, to be looked at."""
    return io.BufferedReader(_Parts(upload, number))


def joined(upload: Upload, number: int) -> Path:
    """The file in one piece: later parts are written behind the first and removed. Goes on where a crash stopped it."""
    whole = partial_path(upload, number)
    parts = range(1, -(-files_of(upload)[number].size_bytes // PART_BYTES))
    with open(whole, "r+b") as target:
        for part in parts:
            _move_behind(target, partial_path(upload, number, part), at=part * PART_BYTES)
    return whole


def _move_behind(target: BinaryIO, part: Path, *, at: int) -> None:
    try:
        with open(part, "rb") as source:
            target.seek(at)
            shutil.copyfileobj(source, target, 1024**2)
    except FileNotFoundError:
        return  # moved before a crash
    target.flush()
    os.fsync(target.fileno())
    part.unlink()


# Forgetting -----------------------------------------------------------------------------------------------------------


def forget_upload(upload: Upload) -> None:
    """The row first: a file without a row is swept, a row without a file could never be finished."""
    folder = folder_of(upload)
    upload.delete()
    shutil.rmtree(folder, ignore_errors=True)


def forget_orphans(older_than: datetime) -> int:
    """Remove partial files of uploads that no row knows (any more)."""
    old = {path.name: path for path in resumable.abandoned(PREFIX, before_seconds=older_than.timestamp())}
    known = {folder_of(Upload(pk=pk)).name for pk in Upload.objects.values_list("pk", flat=True)} if old else set()
    for name in old.keys() - known:
        shutil.rmtree(old[name], ignore_errors=True)
    return len(old.keys() - known)
