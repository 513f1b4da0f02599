"""CRC-32 of frames as archives have them: kept with each frame, so that the rest of an archive needs no second reading of what
lies before it.
"""

import zlib
from collections.abc import Iterable
from itertools import chain
from typing import BinaryIO

from django.core.files.storage import default_storage

from rendering.hints import hint
from rendering.models import Job, MergedFrame, Output

BLOCK_BYTES = 1024**2


def crc32_of(file: BinaryIO) -> int:
    """Of everything that `file` still has."""
    found = 0
    while block := file.read(BLOCK_BYTES):
        found = zlib.crc32(block, found)
    return found


def ask_where_missing(job: Job, known: Iterable[int | None]) -> None:
    """A part of the job's archive is sent: let those checksums be learned that are None, so that the next part costs less."""
    if any(crc32 is None for crc32 in known):
        hint("keep_checksums", job.pk)


def keep_missing(job_id: int) -> int:
    """Read the frames of a job that were accepted before checksums were kept; returns how many it learned."""
    accepted = Output.objects.filter(attempt__task__job=job_id, attempt__outcome="accepted")
    unread = [rows.filter(crc32=None).exclude(storage_key="") for rows in (accepted, MergedFrame.objects.filter(job=job_id))]
    return sum(_keep(row) for row in chain.from_iterable(unread))


def _keep(row: Output | MergedFrame) -> bool:
    try:
        with default_storage.open(row.storage_key) as file:
            found = crc32_of(file)
    except FileNotFoundError:
        return False  # deleted meanwhile
    same = type(row).objects.filter(pk=row.pk, storage_key=row.storage_key)
    return bool(same.update(crc32=found))
