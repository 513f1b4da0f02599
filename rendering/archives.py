"""Paid frames of a job as one .zip, written while it is read: constant memory, nothing on disk, its length known before.

The first look at the rows decides what is inside; frames are stored as they are, images do not compress. So the same rows
make the same bytes, and a download that was cut goes on where it stopped, without reading once more what was sent.
"""

import zipfile
from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import NamedTuple

from django.core.files.storage import default_storage

from rendering.file_names import frame_file_name, stem_of
from rendering.models import Job, MergedFrame, Output

BLOCK_BYTES = 256 * 1024
LOCAL_BYTES, CENTRAL_BYTES, DESCRIPTOR_BYTES, END_BYTES = 30, 46, 16, 22  # what zip writes besides names and contents
LOCAL64_BYTES, DESCRIPTOR64_BYTES, END64_BYTES = 20, 24, 56 + 20  # and for files or archives beyond 4 GiB
EXTRA64_BYTES, FIELD64_BYTES = 4, 8  # of an entry in the table of contents that names such a place or size
SIZES_FOLLOW = 0x08  # the flag of a file whose checksum and sizes stand behind it


class Entry(NamedTuple):
    """A frame that will be in the archive."""

    name: str
    storage_key: str
    size_bytes: int
    created_at: datetime
    crc32: int | None = None  # None: accepted before it was kept


class _Sink:
    """Where the archive is written to: keeps what was not yet sent of all that comes from the byte `start` on."""

    def __init__(self, start: int) -> None:
        self.start, self.place = start, 0
        self.blocks: list[bytes] = []

    def write(self, block: bytes) -> int:
        if len(block) > self.start - self.place:
            self.blocks.append(bytes(block[max(0, self.start - self.place) :]))
        self.place += len(block)
        return len(block)

    def tell(self) -> int:
        """zipfile asks, and writes down where each member begins."""
        return self.place

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken, self.blocks = b"".join(self.blocks), []
        return taken


def entries_of(job: Job, frames: set[int] | None = None) -> list[Entry]:
    """The job's paid frames, or those of them with these numbers."""
    merged = MergedFrame.objects.filter(job=job).exclude(storage_key="").first() if job.tiles else None
    if merged:
        return [_merged_entry(job, merged)] if frames is None or job.still_frame in frames else []
    outputs = Output.objects.accepted_of(job.pk)
    if frames is not None:
        outputs = outputs.filter(attempt__task__frame__in=frames)
    rows = outputs.values_list(
        "attempt__task__frame", "attempt__task__tile", "storage_key", "size_bytes", "created_at", "crc32"
    )
    return [Entry(member_name(job, frame, key, tile), key, *file) for frame, tile, key, *file in rows.iterator()]


def _merged_entry(job: Job, merged: MergedFrame) -> Entry:
    """The one frame that was rendered in tiles."""
    name = member_name(job, job.still_frame, merged.storage_key)
    return Entry(name, merged.storage_key, merged.size_bytes, merged.made_at, merged.crc32)


def member_name(job: Job, frame: int, storage_key: str, tile: int = 0) -> str:
    """carousel/carousel_0031.png; carousel/carousel_0031_tile_07.exr while a still is not put together"""
    name = frame_file_name(job, frame, PurePosixPath(storage_key).suffix.lstrip("."))
    if tile:
        stem, _, suffix = name.rpartition(".")
        name = f"{stem}_tile_{tile:02d}.{suffix}"
    return f"{stem_of(job)}/{name}"


def zip_bytes(entries: list[Entry]) -> int:
    """How long `iter_zip` of these will be, to the byte.

    Source: APPNOTE.TXT 6.3, as zipfile writes it to a stream: sizes follow each file in a descriptor.
    """
    place, table = 0, 0
    for entry in entries:
        name_bytes = len(entry.name.encode())
        far = place > zipfile.ZIP64_LIMIT
        fields = 2 * (entry.size_bytes > zipfile.ZIP64_LIMIT) + far
        table += CENTRAL_BYTES + name_bytes + (EXTRA64_BYTES + FIELD64_BYTES * fields if fields else 0)
        place += _member_bytes(entry)
    beyond = len(entries) > zipfile.ZIP_FILECOUNT_LIMIT or place > zipfile.ZIP64_LIMIT or table > zipfile.ZIP64_LIMIT
    return place + table + END64_BYTES * beyond + END_BYTES


def _member_bytes(entry: Entry) -> int:
    """A file with what stands before and behind it."""
    around = LOCAL64_BYTES + DESCRIPTOR64_BYTES if _is_large(entry.size_bytes) else DESCRIPTOR_BYTES
    return LOCAL_BYTES + len(entry.name.encode()) + entry.size_bytes + around


def _is_large(size_bytes: int) -> bool:
    """Does zipfile prepare for more than 4 GiB? It allows for five per cent of growth."""
    return size_bytes * 1.05 > zipfile.ZIP64_LIMIT


def tag_of(entries: list[Entry]) -> str:
    """Equal for archives of equal bytes: a frame that is rendered again lies under another key."""
    said = [entry._replace(crc32=None) for entry in entries]  # it may become known meanwhile, and follows from the key
    return blake2b(repr(said).encode(), digest_size=16).hexdigest()


def iter_span(entries: list[Entry], start: int, end: int) -> Iterator[bytes]:
    """The bytes of the archive from `start` up to `end`."""
    left = end - start
    for block in iter_zip(entries, start):
        yield block[:left]
        left -= len(block)
        if left <= 0:
            return


def iter_zip(entries: list[Entry], start: int = 0) -> Iterator[bytes]:
    """The archive block by block from the byte `start` on. A frame that is gone meanwhile breaks it off: the browser sees that
    it is too short.

    Of frames that lie before `start` only the checksum is wanted, for the table of contents, which is the end.
    """
    sink = _Sink(start)
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for entry in entries:
            if entry.crc32 is not None and sink.place + _member_bytes(entry) <= start:
                _pass_over(archive, sink, entry)
            else:
                yield from filter(None, _member(archive, sink, entry))
    yield sink.take()


def _pass_over(archive: zipfile.ZipFile, sink: _Sink, entry: Entry) -> None:
    """Note a frame for the table of contents as zipfile does, without reading it."""
    info = _info(entry)
    info.header_offset, info.flag_bits = sink.place, SIZES_FOLLOW
    info.FileHeader(_is_large(entry.size_bytes))  # decides which version of the format it needs
    info.CRC, info.compress_size = entry.crc32, entry.size_bytes
    archive.filelist.append(info)
    sink.place += _member_bytes(entry)
    archive.start_dir = sink.place


def _info(entry: Entry) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(entry.name, entry.created_at.utctimetuple()[:6])
    info.external_attr = 0o644 << 16
    info.file_size = entry.size_bytes
    return info


def _member(archive: zipfile.ZipFile, sink: _Sink, entry: Entry) -> Iterator[bytes]:
    with default_storage.open(entry.storage_key) as source, archive.open(_info(entry), "w") as target:
        while block := source.read(BLOCK_BYTES):
            target.write(block)
            yield sink.take()
    yield sink.take()
