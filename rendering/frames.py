"""A frame that lies on the server: decoded, compared with its commitment, checked, made small, then accepted or refused."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from common import clock
from pictor_agent.pixels import Undecodable, pixels_sha256, read_pixels
from rendering import checks, services, thumbnails
from rendering.models import Attempt, Output, Task
from rendering.reasons import DOUBTS, Reason
from rendering.services.acceptance import Previews
from rendering.states import TaskStatus


class BadFrame(Exception):
    """The frame does not pass; `reason` is a rendering.reasons.Reason."""

    def __init__(self, reason: Reason, detail: str = ""):
        super().__init__(detail)
        self.reason = reason


def check_frame(task_id: int) -> bool:
    """Check the frame of a task that is being checked, and decide. False when there was nothing to decide."""
    task = Task.objects.select_related("job").filter(pk=task_id, status=TaskStatus.CHECKING).first()
    if not task:
        return False
    attempt = task.attempts.select_related("output").get(number=task.attempt)
    try:
        pixels = examine(task, attempt)
    except BadFrame as error:
        return services.refuse_task(task.pk, attempt.number, error.reason, clock.now(), detail=str(error))
    return services.accept_task(task.pk, attempt.number, clock.now(), make_previews(attempt.output, pixels))


def examine(task: Task, attempt: Attempt):
    """The decoded pixels of a frame that passes.

    Raises:
        BadFrame: with the first thing that is wrong.
    """
    job = task.job
    pixels = _decode(attempt.output.storage_key, pixels_max=job.width * job.height, image_format=job.format)
    if pixels_sha256(pixels) != attempt.pixels_sha256:
        raise BadFrame(Reason.HASH_MISMATCH)
    reason = checks.problem(pixels, width=job.width, height=job.height, image_format=job.format)
    reason = reason or _duplicate(task, attempt)
    if reason in DOUBTS and _is_confirmed(task, attempt):
        return pixels
    if reason:
        raise BadFrame(reason)
    return pixels


def _decode(storage_key: str, *, pixels_max: int, image_format: str):
    if not default_storage.exists(storage_key):
        raise BadFrame(Reason.FILE_MISSING)
    try:
        with local_copy(storage_key) as path:
            return read_pixels(path, pixels_max=pixels_max, image_format=image_format)
    except Undecodable as error:
        raise BadFrame(Reason.UNDECODABLE, str(error)) from error


def _duplicate(task: Task, attempt: Attempt) -> Reason | None:
    """Is it pixel for pixel another frame of the job?"""
    same = Attempt.objects.accepted().filter(task__job=task.job_id, pixels_sha256=attempt.pixels_sha256)
    return Reason.DUPLICATE if same.exclude(task=task).exists() else None


def _is_confirmed(task: Task, attempt: Attempt) -> bool:
    """An earlier attempt came to the very same doubtful pixels: the scene is like that."""
    earlier = task.attempts.filter(outcome__in=DOUBTS, pixels_sha256=attempt.pixels_sha256)
    return earlier.exclude(number=attempt.number).exists()


def make_previews(output: Output, pixels) -> Previews:
    """Write the small pictures beside the frame; writing them again replaces them."""
    stem = str(PurePosixPath(output.storage_key).with_suffix(""))
    keys = [f"{stem}.preview.webp", f"{stem}.thumbnail.webp"]
    for key, side in zip(keys, [thumbnails.PREVIEW_SIDE, thumbnails.THUMBNAIL_SIDE], strict=True):
        default_storage.delete(key)
        default_storage.save(key, ContentFile(thumbnails.webp(pixels, side)))
    return Previews(*keys, width=pixels.shape[1], height=pixels.shape[0])


@contextmanager
def local_copy(storage_key: str) -> Iterator[Path]:
    """A path on this machine with the stored file: the file itself where the store is a folder, else a copy."""
    path = _path_in_store(storage_key)
    if path:
        yield path
        return
    with tempfile.NamedTemporaryFile(suffix=PurePosixPath(storage_key).suffix) as copy:
        with default_storage.open(storage_key) as source:
            shutil.copyfileobj(source, copy, 1024**2)
        copy.flush()
        yield Path(copy.name)


def _path_in_store(storage_key: str) -> Path | None:
    """None when the store is no folder of this machine."""
    try:
        return Path(default_storage.path(storage_key))
    except NotImplementedError:
        return None
