"""The first bytes of a .blend, read without Blender: version, frame range and scene of every release since 2.8. PURE.

Three things vary: the header (12 bytes until 4.5, 17 since 5.0), the head of a block (20, 24 or 32 bytes, either byte
order), and compression (none, gzip until 2.9x, zstd since 3.0). The file is a stranger's: at most HEAD_BYTES are read and
UNPACKED_BYTES unpacked, whatever it claims.
"""

import io
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import zstandard

from pictor_agent import engines

HEAD_BYTES = 512 * 1024  # of the file; the first block lies far before
UNPACKED_BYTES = 64 * 1024
ZSTD_WINDOW_MAX = 2**27
ZSTD_PIECES_MAX = 1_000_000  # blocks walked in search of the end
SEEK_TABLE_END = b"\xb1\xea\x92\x8f"  # what Blender ends a compressed file with
BLOCKS_MAX = 32  # looked at in search of the scene
TAIL_BYTES = 64

OLD = re.compile(rb"BLENDER([-_])([vV])(\d{3})", re.DOTALL)
NEW = re.compile(rb"BLENDER(\d\d)-(\d\d)([vV])(\d{4})", re.DOTALL)
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZIP_MAGIC = b"PK\x03\x04"
SCENE_BLOCK, END_BLOCK = b"REND", b"ENDB"


class BadBlend(Exception):
    """The file cannot be rendered; str() says why and what to do, for its creator."""


@dataclass(frozen=True)
class BlendHeader:
    """What the first bytes say. Frame range and scene are None and empty where the file does not begin with them."""

    version: tuple[int, int]  # (4, 2), (2, 93)
    compression: str  # "", "gzip" or "zstd"
    pointer_bits: int
    big_endian: bool
    frame_start: int | None = None
    frame_end: int | None = None
    scene: str = ""

    @property
    def version_words(self) -> str:
        """ "4.2"; before 3.0 with two digits: "2.80"."""
        return f"{self.version[0]}.{self.version[1]}"


def kind_of(head: bytes) -> str:
    """ "blend", "zip" or "" by the first bytes of a file, also through gzip and zstd."""
    if head.startswith(ZIP_MAGIC):
        return "zip"
    plain, _ = _unpacked(head)
    return "blend" if OLD.match(plain) or NEW.match(plain) else ""


def read_header(file: BinaryIO) -> BlendHeader:
    """Read the header of an open file, from its beginning.

    Raises:
        BadBlend: it is no .blend.
    """
    file.seek(0)
    plain, compression = _unpacked(file.read(HEAD_BYTES))
    layout = _layout(plain)
    if layout is None:
        raise BadBlend("This is not a .blend file. Save it in Blender (File, Save As) and upload that file.")
    version, pointer_bits, order, start, head = layout
    header = BlendHeader(version, compression, pointer_bits, order == ">")
    found = _scene_block(plain, start, order, head)
    if found is None:
        return header
    first, last, name = found
    return BlendHeader(version, compression, pointer_bits, order == ">", first, last, name)


def check(file: BinaryIO) -> BlendHeader:
    """`read_header`, for an upload: it is whole, and one of our releases opens it.

    Raises:
        BadBlend: no .blend, cut off, or newer than any release that nodes have.
    """
    header = read_header(file)
    if not _is_whole(file, header.compression):
        raise BadBlend("The file is cut off: its end is missing. Save it again in Blender and upload it once more.")
    if engines.version_for_file(header.version_words) is None:
        newest = max(engines.blender_versions_available(), key=lambda version: engines.series_number(version.exact))
        raise BadBlend(
            f"The file was saved by Blender {header.version_words}, which nodes do not have yet. "
            f"Save it from {newest.label} or older and upload it again."
        )
    return header


# Unpacking ------------------------------------------------------------------------------------------------------------


def _unpacked(head: bytes) -> tuple[bytes, str]:
    """The first plain bytes, and how they were compressed."""
    if head.startswith(GZIP_MAGIC):
        return _gunzipped(head), "gzip"
    if head.startswith(ZSTD_MAGIC):
        return _unzstd(head), "zstd"
    return head[:UNPACKED_BYTES], ""


def _gunzipped(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, UNPACKED_BYTES)
    except zlib.error:
        return b""


def _unzstd(head: bytes) -> bytes:
    """What can be unpacked of a beginning; it ends in the middle of a frame where the file is long."""
    plain = b""
    try:
        with zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_MAX).stream_reader(head, read_across_frames=True) as reader:
            while len(plain) < UNPACKED_BYTES and (more := reader.read(UNPACKED_BYTES - len(plain))):
                plain += more
    except (zstandard.ZstdError, MemoryError):
        pass
    return plain


# The layout -----------------------------------------------------------------------------------------------------------


def _layout(plain: bytes):
    """(version, pointer bits, byte order, where blocks begin, struct of a block's head), or None when it is no .blend."""
    if found := OLD.match(plain):
        bits, order = (64 if found[1] == b"-" else 32), (">" if found[2] == b"V" else "<")
        return _version(found[3]), bits, order, 12, struct.Struct(order + ("4siQii" if bits == 64 else "4siIii"))
    if found := NEW.match(plain):
        order = ">" if found[3] == b"V" else "<"
        return _version(found[4]), 64, order, int(found[1]), struct.Struct(order + "4siQqq")
    return None


def _version(digits: bytes) -> tuple[int, int]:
    """b"402" -> (4, 2), b"0500" -> (5, 0)."""
    return divmod(int(digits), 100)


def _scene_block(plain: bytes, start: int, order: str, head: struct.Struct) -> tuple[int, int, str] | None:
    """First frame, last frame and name of the current scene, from the block that Blender writes first."""
    for _ in range(BLOCKS_MAX):
        if len(plain) < start + head.size:
            return None
        fields = head.unpack_from(plain, start)
        length = fields[1] if head.size < 32 else fields[3]
        body = plain[start + head.size : start + head.size + max(length, 0)]
        if fields[0] == SCENE_BLOCK and len(body) >= 8:
            first, last = struct.unpack_from(order + "ii", body)
            return first, last, body[8:72].split(b"\0")[0].decode("utf-8", "replace")
        if fields[0] == END_BLOCK or length < 0:
            return None
        start += head.size + length
    return None


# The end --------------------------------------------------------------------------------------------------------------


def _is_whole(file: BinaryIO, compression: str) -> bool:
    """Is the end there? What lies within gzip only Blender can tell."""
    if compression == "gzip":
        return True
    return _has_all_frames(file) if compression == "zstd" else END_BLOCK in _tail(file)


def _tail(file: BinaryIO) -> bytes:
    end = file.seek(0, io.SEEK_END)
    file.seek(max(0, end - TAIL_BYTES))
    return file.read(TAIL_BYTES)


def _has_all_frames(file: BinaryIO) -> bool:
    """Does the file end with Blender's seek table, or with a whole frame? Nothing is unpacked (RFC 8878, section 3)."""
    if _tail(file).endswith(SEEK_TABLE_END):
        return True
    end = file.seek(0, io.SEEK_END)
    position, pieces = 0, 0
    for following in _pieces(file):
        position, pieces = following, pieces + 1
        if pieces > ZSTD_PIECES_MAX or position > end:
            return False
    return position == end


def _pieces(file: BinaryIO) -> Iterator[int]:
    """Where each block, each frame's head and each skippable frame ends; stops where no frame begins."""
    position = 0
    while True:
        file.seek(position)
        head = file.read(8)
        if len(head) == 8 and head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50:  # skippable
            position += 8 + int.from_bytes(head[4:], "little")
        elif len(head) >= 6 and head.startswith(ZSTD_MAGIC):
            position += _frame_head_bytes(head[4])
            for end in _blocks(file, position):
                yield (position := end)
            position += 4 if head[4] & 4 else 0  # a checksum
        else:
            return
        yield position


def _blocks(file: BinaryIO, position: int) -> Iterator[int]:
    """Where each block of a frame ends, to its last one; beyond the file's end where it is cut off."""
    is_last = False
    while not is_last:
        file.seek(position)
        head = file.read(3)
        if len(head) < 3:
            yield 1 << 62
            return
        value = int.from_bytes(head, "little")
        is_last, kind, size = bool(value & 1), value >> 1 & 3, value >> 3
        position += 3 + (1 if kind == 1 else size)  # kind 1: one byte, repeated
        yield position


def _frame_head_bytes(descriptor: int) -> int:
    """Magic, descriptor, window, dictionary and content size, as the descriptor's bits say."""
    single = descriptor >> 5 & 1
    content = (1 if single else 0, 2, 4, 8)[descriptor >> 6]
    return 4 + 1 + (0 if single else 1) + (0, 1, 2, 4)[descriptor & 3] + content
