"""From an upload to a stored scene: a .blend as it is, or a .zip taken apart without trusting a word it says.

Files lie in the store under their hash and their owner, once each. Everything streams; nothing is read whole.
"""

import hashlib
import re
import shutil
import stat
import struct
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

import zstandard
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction

from common import resumable
from rendering.errors import BadScene
from rendering.models import Asset, Scene, SceneFile, Upload
from rendering.uploads import PREFIX, UnfitUpload, offset_of, partial_path

BLOCK_BYTES = 1024**2
FILES_MAX = 5_000  # in one archive
UNPACKED_BYTES_MAX = 16 * 1024**3
RATIO_MAX = 200  # unpacked to packed: more is a bomb
RATIO_FREE_BYTES = 64 * 1024**2  # small archives may be of any ratio
DIRECTORY_BYTES_MAX = 4 * 1024**2  # an archive's table of contents, which zipfile reads whole
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # a dictionary of LZMA may be as large as it says
PATH_CHARACTERS_MAX = 400
DEPTH_MAX = 30

BLEND_HEAD = re.compile(rb"BLENDER(?:[-_][vV]\d{3}|\d\d-\d\d[vV]\d{4})")  # to 4.5, and from 5.0
GZIP_HEAD = b"\x1f\x8b"  # compressed .blend before 3.0
ZSTD_HEAD = b"\x28\xb5\x2f\xfd"  # and since
ZIP_HEAD = b"PK\x03\x04"
SKIPPED = ("__MACOSX/", ".git/")  # what systems add by themselves
SKIPPED_NAMES = {".DS_Store", "Thumbs.db", "desktop.ini"}


class Member(NamedTuple):
    """A file of an archive that is to be kept."""

    entry: zipfile.ZipInfo
    path: str  # below the scene's folder


# What kind of file it is ----------------------------------------------------------------------------------------------


def kind_of(head: bytes) -> str:
    """ "blend", "zip" or "" by the first bytes, also through gzip and zstd."""
    if head.startswith(ZIP_HEAD):
        return "zip"
    return "blend" if BLEND_HEAD.match(_unpacked_head(head)) else ""


def _unpacked_head(head: bytes) -> bytes:
    """The first bytes inside a compressed .blend."""
    if head.startswith(GZIP_HEAD):
        try:
            return zlib.decompressobj(wbits=31).decompress(head, 64)
        except zlib.error:
            return b""
    if head.startswith(ZSTD_HEAD):
        return _zstd_head(head)
    return head


def _zstd_head(head: bytes) -> bytes:
    try:
        with zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(head) as reader:
            return reader.read(64)  # never more: half a megabyte may unpack to 16 GB
    except zstandard.ZstdError:
        return b""


def check_upload(upload: Upload) -> None:
    """A quick look, so that a wrong file is refused at once and not in the background.

    Raises:
        UnfitUpload: incomplete, or neither a .blend nor a .zip.
    """
    if offset_of(upload) != upload.size_bytes:
        raise UnfitUpload("The upload is not complete.")
    with open(partial_path(upload), "rb") as file:
        if not kind_of(file.read(512 * 1024)):
            raise UnfitUpload(f"{upload.name} is neither a .blend file nor a .zip archive.")


# Storing --------------------------------------------------------------------------------------------------------------


def store_scene(scene: Scene) -> None:
    """Store the files of the scene's upload and forget the upload. Safe to run again after a crash.

    Raises:
        BadScene: the upload holds nothing that can be rendered; the words are for its creator.
    """
    upload = scene.upload
    if upload is None:
        return
    partial = partial_path(upload)
    with tempfile.TemporaryDirectory(dir=partial.parent) as folder:
        found = dict(_stored_files(scene, upload, partial, Path(folder)))
    _write_scene(scene, found, main_path=main_of(list(found)))
    forget_upload(upload)


def forget_upload(upload: Upload) -> None:
    """The row first: a file without a row is swept, a row without a file could never be finished."""
    partial = partial_path(upload)
    upload.delete()
    partial.unlink(missing_ok=True)


def forget_orphans(older_than: datetime) -> int:
    """Remove partial files of uploads that no row knows (any more)."""
    old = {path.name: path for path in resumable.abandoned(PREFIX, before_seconds=older_than.timestamp())}
    known = {partial_path(Upload(pk=pk)).name for pk in Upload.objects.values_list("pk", flat=True)} if old else set()
    for name in old.keys() - known:
        old[name].unlink(missing_ok=True)
    return len(old.keys() - known)


def _stored_files(scene: Scene, upload: Upload, partial: Path, folder: Path) -> Iterator[tuple[str, Asset]]:
    """(path below the scene's folder, asset) of every file, stored one by one."""
    with open(partial, "rb") as file:
        kind = kind_of(file.read(512 * 1024))
    if kind == "blend":
        yield safe_path(_blend_name(upload.name)), store_asset(scene.owner, partial)
    elif kind == "zip":
        yield from _stored_members(scene, partial, folder)
    else:
        raise BadScene(f"{upload.name} is neither a .blend file nor a .zip archive.")


def _blend_name(name: str) -> str:
    return name if name.lower().endswith(".blend") else f"{name}.blend"


def _stored_members(scene: Scene, partial: Path, folder: Path) -> Iterator[tuple[str, Asset]]:
    with open_archive(partial) as archive:
        members = members_of(archive, packed_bytes=partial.stat().st_size)
        for number, member in enumerate(members):
            target = folder / str(number)
            unpack(archive, member, target)
            yield member.path, store_asset(scene.owner, target)
            target.unlink()


def store_asset(owner, path: Path) -> Asset:
    """The owner's asset with these bytes, stored unless it is there already."""
    digest = file_sha256(path)
    key = f"scenes/{owner.pk}/{digest}"
    if not default_storage.exists(key):
        with open(path, "rb") as file:
            default_storage.save(key, File(file))
    return Asset.objects.get_or_create(
        owner=owner, sha256=digest, defaults={"storage_key": key, "size_bytes": path.stat().st_size}
    )[0]


def file_sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@transaction.atomic
def _write_scene(scene: Scene, found: dict[str, Asset], *, main_path: str) -> None:
    scene.files.all().delete()
    SceneFile.objects.bulk_create(SceneFile(scene=scene, path=path, asset=asset) for path, asset in found.items())
    scene.main_path = main_path
    scene.scene_key = scene_key({path: asset.sha256 for path, asset in found.items()})
    scene.save(update_fields=["main_path", "scene_key"])


def scene_key(hashes: dict[str, str]) -> str:
    """One hash for a set of files: equal key, equal scene."""
    lines = (f"{path}\0{digest}\n" for path, digest in sorted(hashes.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def main_of(paths: list[str]) -> str:
    """The .blend to render: the only one, else the one nearest to the top, alphabetically first.

    Raises:
        BadScene: there is none.
    """
    blends = [path for path in paths if path.lower().endswith(".blend")]
    if not blends:
        raise BadScene("The archive holds no .blend file.")
    return min(blends, key=lambda path: (path.count("/"), path.lower()))


# Archives -------------------------------------------------------------------------------------------------------------


def open_archive(path: Path) -> zipfile.ZipFile:
    """Raises BadScene: damaged, or with a table of contents that would fill the memory."""
    try:
        if _directory_bytes(path) > DIRECTORY_BYTES_MAX:
            raise BadScene(f"The archive has more than {FILES_MAX:,} files.")
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise BadScene("The .zip archive is damaged.") from error


def _directory_bytes(path: Path) -> int:
    """The size of the table of contents as zipfile will believe it; 0 when there is none."""
    with open(path, "rb") as file:
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]  # its own reading, zip64 included
    return end[zipfile._ECD_SIZE] if end else 0  # type: ignore[attr-defined]


def members_of(archive: zipfile.ZipFile, *, packed_bytes: int) -> list[Member]:
    """The files to keep, with safe paths.

    Raises:
        BadScene: links, encryption, paths that leave the folder, the same path twice, too many or too large files.
    """
    entries = archive.infolist()
    if len(entries) > 2 * FILES_MAX:
        raise BadScene(f"The archive has more than {FILES_MAX:,} files.")
    members = [Member(entry, safe_path(entry.filename)) for entry in entries if not _is_skipped(entry)]
    if len(members) > FILES_MAX:
        raise BadScene(f"The archive has more than {FILES_MAX:,} files.")
    for member in members:
        _check_kind(member.entry)
    _check_clashes([member.path for member in members])
    _check_size(sum(member.entry.file_size for member in members), packed_bytes)
    return members


def _is_skipped(entry: zipfile.ZipInfo) -> bool:
    name = entry.filename
    return name.endswith("/") or name.startswith(SKIPPED) or "/.git/" in name or PurePosixPath(name).name in SKIPPED_NAMES


def _check_kind(entry: zipfile.ZipInfo) -> None:
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        raise BadScene(f"{entry.filename[:100]} is a link or a device; put the file itself into the archive.")
    if entry.flag_bits & 0x1:
        raise BadScene("The archive is encrypted. Upload one without a password.")
    if entry.compress_type not in METHODS:
        raise BadScene("The archive is compressed in an unusual way. Choose plain zip (deflate).")


def _check_clashes(paths: list[str]) -> None:
    """No path twice (systems differ about upper and lower case) and no file where another needs a folder."""
    seen: set[str] = set()
    for path in paths:
        folded = path.casefold()
        if folded in seen:
            raise BadScene(f"{path[:100]} is in the archive twice.")
        seen.add(folded)
    folders = {str(parent) for path in seen for parent in PurePosixPath(path).parents}
    if clash := seen & folders:
        raise BadScene(f"{min(clash)[:100]} is a file and a folder at once.")


def _check_size(unpacked_bytes: int, packed_bytes: int) -> None:
    if unpacked_bytes > UNPACKED_BYTES_MAX:
        raise BadScene(f"The archive unpacks to more than {UNPACKED_BYTES_MAX // 1024**3} GiB.")
    if unpacked_bytes > max(RATIO_FREE_BYTES, packed_bytes * RATIO_MAX):
        raise BadScene("The archive unpacks to far more than it is; such archives are not accepted.")


def safe_path(name: str) -> str:
    """A path below the scene's folder, "/" between its parts.

    Raises:
        BadScene: absolute, with a drive, leaving its folder, too long or too deep, or with characters no file has.
    """
    plain = unicodedata.normalize("NFC", name.replace("\\", "/"))
    parts = [part for part in plain.split("/") if part not in {"", "."}]
    if plain.startswith("/") or re.match(r"[A-Za-z]:", plain) or ".." in parts or not parts:
        raise BadScene(f"{name[:100]!r} points outside the archive.")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in plain):
        raise BadScene(f"{name[:100]!r} has characters that no file name may have.")
    if len(plain) > PATH_CHARACTERS_MAX or len(parts) > DEPTH_MAX or any(len(part.encode()) > 255 for part in parts):
        raise BadScene(f"{name[:100]!r} is too long or too deep.")
    return "/".join(parts)


def unpack(archive: zipfile.ZipFile, member: Member, target: Path) -> None:
    """Write one member; never more bytes than it announced, whatever it holds.

    Raises:
        BadScene: damaged, or larger than announced.
    """
    try:
        with archive.open(member.entry) as source, open(target, "xb") as file:
            written = _copy(source, file, limit=member.entry.file_size)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        ValueError,
        struct.error,
        NotImplementedError,
        RuntimeError,
        OSError,
    ) as error:
        if isinstance(error, OSError) and shutil.disk_usage(target.parent).free < BLOCK_BYTES:
            raise  # the server's disk is full: not the archive's fault
        raise BadScene(f"{member.path[:100]} is damaged inside the archive.") from error
    if written != member.entry.file_size:
        raise BadScene(f"{member.path[:100]} is damaged inside the archive.")


def _copy(source: BinaryIO, target: BinaryIO, *, limit: int) -> int:
    written = 0
    while block := source.read(BLOCK_BYTES):
        written += len(block)
        if written > limit:
            raise zipfile.BadZipFile("larger than announced")
        target.write(block)
    return written
