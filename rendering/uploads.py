"""A creator's file on its way to us: appended in chunks, resumable after a lost connection or a closed browser.

The partial file is the truth about how much has arrived; `Upload.received_bytes` follows it for pages and sweeps.
"""

from pathlib import Path, PurePosixPath

from django.conf import settings
from django.db.models import Sum

from common import resumable
from rendering.models import Upload

PREFIX = "upload-"  # of partial files
SUFFIXES = (".blend", ".zip")
UNDER_WAY_MAX = 4  # largest uploads: what one account's unfinished ones may take together


class UnfitUpload(Exception):
    """The file cannot be taken; the message is for its creator."""


def partial_path(upload: Upload) -> Path:
    """Where the bytes of an unfinished upload lie; the file may not exist yet."""
    return resumable.partial_path(f"{PREFIX}{upload.pk}")


def plain_name(name: str) -> str:
    """The last part of a file name, whatever the sender's system separates folders with, in letters that can be shown."""
    shown = "".join(letter for letter in name.replace("\\", "/") if letter.isprintable())
    return PurePosixPath(shown).name.strip()[-255:]


def start_upload(*, owner, name: str, size_bytes: int) -> Upload:
    """A fresh upload of `owner`.

    Raises:
        UnfitUpload: another kind of file, empty, larger than UPLOAD_BYTES_MAX, or too much beside what is unfinished.
    """
    name = plain_name(name)
    if not name.lower().endswith(SUFFIXES):
        raise UnfitUpload("Choose a .blend file, or a .zip that holds a .blend and its assets.")
    if size_bytes <= 0:
        raise UnfitUpload(f"{name} is empty.")
    if size_bytes > settings.UPLOAD_BYTES_MAX:
        raise UnfitUpload(f"{name} is larger than {settings.UPLOAD_BYTES_MAX // 1024**2:,} MiB, the limit for one upload.")
    if _under_way_bytes(owner) + size_bytes > UNDER_WAY_MAX * settings.UPLOAD_BYTES_MAX:
        raise UnfitUpload("Too many of your uploads are unfinished. They are forgotten after two days without a new part.")
    return Upload.objects.create(owner=owner, name=name, size_bytes=size_bytes)


def _under_way_bytes(owner) -> int:
    return Upload.objects.filter(owner=owner).aggregate(Sum("size_bytes"))["size_bytes__sum"] or 0


def append_to_upload(upload: Upload, *, offset: int, stream) -> int:
    """Append `stream` at `offset`; returns the new offset.

    Raises:
        common.resumable.OffsetMismatch: the file does not end at `offset`.
        common.resumable.TooLarge: more bytes than announced, or than one chunk may have.
    """
    partial = partial_path(upload)
    reached = resumable.append_chunk(partial, offset, stream, size_bytes=upload.size_bytes, chunk_max=settings.CHUNK_BYTES_MAX)
    Upload.objects.filter(pk=upload.pk).update(received_bytes=reached)
    upload.received_bytes = reached
    return reached


def offset_of(upload: Upload) -> int:
    return resumable.partial_offset(partial_path(upload))
