"""A .zip from a stranger, taken apart without trusting a word it says: names, sizes, links, table of contents.

One member at a time is unpacked, in blocks; never more bytes than it announced.
"""

import re
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from rendering.errors import BadScene

BLOCK_BYTES = 1024**2
FILES_MAX = 5_000  # in one scene
UNPACKED_BYTES_MAX = 16 * 1024**3
RATIO_MAX = 200  # unpacked to packed: more is a bomb
RATIO_FREE_BYTES = 64 * 1024**2  # small archives may be of any ratio
DIRECTORY_BYTES_MAX = 4 * 1024**2  # an archive's table of contents, which zipfile reads whole
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # a dictionary of LZMA may be as large as it says
PATH_CHARACTERS_MAX = 400
DEPTH_MAX = 30
UTF8_FLAG = 0x800

SKIPPED = ("__MACOSX/", ".git/")  # what systems add by themselves
SKIPPED_NAMES = {".DS_Store", "Thumbs.db", "desktop.ini"}


class Member(NamedTuple):
    """A file of an archive that is to be kept."""

    entry: zipfile.ZipInfo
    path: str  # below the scene's folder


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
    members = [Member(entry, safe_path(_name(entry))) for entry in entries if not is_skipped(entry.filename)]
    if len(members) > FILES_MAX:
        raise BadScene(f"The archive has more than {FILES_MAX:,} files.")
    for member in members:
        _check_kind(member.entry)
    check_clashes([member.path for member in members])
    _check_size(sum(member.entry.file_size for member in members), packed_bytes)
    return members


def _name(entry: zipfile.ZipInfo) -> str:
    """Some systems write UTF-8 and do not say so: what reads as UTF-8 is taken for it."""
    if entry.flag_bits & UTF8_FLAG:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode()
    except UnicodeError:
        return entry.filename


def is_skipped(name: str) -> bool:
    """Folders, and what systems add by themselves."""
    return name.endswith("/") or name.startswith(SKIPPED) or "/.git/" in name or PurePosixPath(name).name in SKIPPED_NAMES


def _check_kind(entry: zipfile.ZipInfo) -> None:
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        raise BadScene(f"{entry.filename[:100]} is a link or a device; put the file itself into the archive.")
    if entry.flag_bits & 0x1:
        raise BadScene("The archive is encrypted. Upload one without a password.")
    if entry.compress_type not in METHODS:
        raise BadScene("The archive is compressed in an unusual way. Choose plain zip (deflate).")


def check_clashes(paths: list[str]) -> None:
    """No path twice (systems differ about upper and lower case) and no file where another needs a folder."""
    seen: set[str] = set()
    for path in paths:
        folded = path.casefold()
        if folded in seen:
            raise BadScene(f"{path[:100]} is there twice.")
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
        raise BadScene(f"{name[:100]!r} points outside the scene's folder.")
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
