"""All accepted frames of a job as one .zip, written while it is read: constant memory, nothing on disk."""

import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from django.core.files.storage import default_storage

from rendering.file_names import frame_file_name, stem_of
from rendering.models import Job, Output

BLOCK_BYTES = 256 * 1024


class _Sink:
    """Where the archive is written to: keeps what was not yet sent."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []

    def write(self, block: bytes) -> int:
        self.blocks.append(bytes(block))
        return len(block)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken, self.blocks = b"".join(self.blocks), []
        return taken


def iter_zip(job: Job) -> Iterator[bytes]:
    """The archive block by block; frames are stored as they are, images do not compress."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for frame, output in _accepted(job):
            yield from _member(archive, sink, member_name(job, frame, output), output)
    yield sink.take()


def member_name(job: Job, frame: int, output: Output) -> str:
    """carousel/carousel_0031.png"""
    suffix = PurePosixPath(output.storage_key).suffix.lstrip(".")
    return f"{stem_of(job)}/{frame_file_name(job, frame, suffix)}"


def _accepted(job: Job) -> Iterator[tuple[int, Output]]:
    outputs = Output.objects.accepted_of(job.pk).select_related("attempt__task")
    for output in outputs.iterator(chunk_size=500):
        yield output.attempt.task.frame, output


def _member(archive: zipfile.ZipFile, sink: _Sink, name: str, output: Output) -> Iterator[bytes]:
    info = zipfile.ZipInfo(name, output.created_at.utctimetuple()[:6])
    info.external_attr = 0o644 << 16
    with default_storage.open(output.storage_key) as source, archive.open(info, "w") as target:
        while block := source.read(BLOCK_BYTES):
            target.write(block)
            yield sink.take()
    yield sink.take()
