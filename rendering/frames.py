"""A frame that lies on the server: decoded, compared with its commitment, checked, made small, then accepted or refused."""

import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import structlog
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import F

from common import clock
from pictor_agent.pixels import Decoded, Undecodable, decode
from rendering import checks, doubts, looks, services, thumbnails
from rendering.checksums import crc32_of
from rendering.models import Attempt, Task
from rendering.reasons import DOUBTS, Reason
from rendering.services import Passed, Previews
from rendering.services.strikes import others_wait
from rendering.states import TaskStatus

log = structlog.get_logger(__name__)

ACCEPTED_TOGETHER = 32  # frames of one transaction
ACCEPT_SECONDS = 0.5


class BadFrame(Exception):
    """The frame does not pass; `reason` is a rendering.reasons.Reason."""

    def __init__(self, reason: Reason, detail: str = ""):
        super().__init__(detail)
        self.reason = reason


class Refused(NamedTuple):
    """A frame that has not passed."""

    task_id: int
    attempt: int
    reason: Reason
    detail: str


def check_frame(task_id: int) -> bool:
    """Check the frame of a task that is being checked, and decide. False when there was nothing to decide."""
    return bool(check_all([task_id]))


def check_all(task_ids: Iterable[int]) -> set[int]:
    """Check frames one after the other; returns the tasks that were decided here.

    Those that pass are accepted together, but none waits longer than ACCEPT_SECONDS for the others. Pixels that wait for
    acceptance are accepted before an equal frame is looked at, so that it is found to be a duplicate.
    """
    decided: set[int] = set()
    waiting = _Waiting()
    for attempt in _in_check(task_ids):
        if waiting.is_due() or waiting.holds(attempt):
            decided |= _accept(waiting.take())
        verdict = _judged(attempt)
        if isinstance(verdict, Passed):
            waiting.add(attempt, verdict)
        elif verdict and services.refuse_task(
            verdict.task_id, verdict.attempt, verdict.reason, clock.now(), detail=verdict.detail
        ):
            decided.add(verdict.task_id)
    return decided | _accept(waiting.take())


class _Waiting:
    """Frames that have passed and are not accepted yet."""

    def __init__(self) -> None:
        self.passed: list[Passed] = []
        self.pixels: set[tuple[int, str]] = set()
        self.since = 0.0

    def take(self) -> list[Passed]:
        """All of them; none waits any more."""
        waiting = self.passed
        self.passed, self.pixels = [], set()
        return waiting

    def is_due(self) -> bool:
        late = time.monotonic() - self.since > ACCEPT_SECONDS
        return len(self.passed) >= ACCEPTED_TOGETHER or (late and bool(self.passed))

    def holds(self, attempt: Attempt) -> bool:
        return (attempt.task.job_id, attempt.pixels_sha256) in self.pixels

    def add(self, attempt: Attempt, verdict: Passed) -> None:
        if not self.passed:
            self.since = time.monotonic()
        self.passed.append(verdict)
        self.pixels.add((attempt.task.job_id, attempt.pixels_sha256))


def _in_check(task_ids: Iterable[int]) -> Iterable[Attempt]:
    """The newest attempts of those tasks that are being checked, with task, job and output."""
    newest = Attempt.objects.select_related("task__job", "output", "worker").filter(
        task__in=list(task_ids), number=F("task__attempt")
    )
    return newest.filter(task__status=TaskStatus.CHECKING).order_by("task_id")


def _judged(attempt: Attempt) -> Passed | Refused | None:
    """One frame that breaks the checks must not keep the others from being checked; a sweep tries it again."""
    try:
        return judge(attempt)
    except Exception:
        log.exception("check_broke", task_id=attempt.task_id)
        return None


def judge(attempt: Attempt) -> Passed | Refused:
    """Look at the frame; its small pictures are made when it passes."""
    try:
        with looks.looking("attempt", attempt.pk):
            pixels, crc32, found = examine(attempt.task, attempt)
            pictures = small_pictures(attempt.output.storage_key, pixels, crc32)
    except BadFrame as error:
        return Refused(attempt.task_id, attempt.number, error.reason, str(error))
    except looks.Deadly as error:
        return Refused(attempt.task_id, attempt.number, Reason.UNDECODABLE, str(error))
    return Passed(attempt.task_id, attempt.number, pictures, refuted=found.refuted, is_free=found.is_free)


def _accept(passed: Sequence[Passed]) -> set[int]:
    """Accept them together; when that breaks, halves, until only the one that breaks it is left out."""
    try:
        return services.accept_tasks(passed, clock.now()) if passed else set()
    except Exception:
        log.exception("acceptance_broke", task_ids=[each.task_id for each in passed])
    if len(passed) == 1:
        return set()
    middle = len(passed) // 2
    return _accept(passed[:middle]) | _accept(passed[middle:])


def examine(task: Task, attempt: Attempt) -> tuple[np.ndarray, int, doubts.Finding]:
    """The decoded pixels of a frame that passes, the CRC-32 of its file, and what it says of earlier attempts.

    Raises:
        BadFrame: with the first thing that is wrong.
    """
    ordered = task.ordered_picture
    width, height, image_format = ordered.width, ordered.height, ordered.format
    decoded, crc32 = _read(attempt.output.storage_key, pixels_max=width * height, image_format=image_format)
    if decoded.sha256 != attempt.pixels_sha256:
        raise BadFrame(Reason.HASH_MISMATCH)
    pixels = decoded.pixels
    reason = checks.problem(pixels, width=width, height=height, image_format=image_format)
    reason = reason or _missing_passes(task, decoded) or _duplicate(task, attempt)
    if reason and reason not in DOUBTS:
        raise BadFrame(reason)
    found = doubts.finding(task, attempt, pixels, reason, read=partial(_earlier, task), others_wait=partial(_others_wait, task))
    if found.doubt:
        raise BadFrame(found.doubt)
    return pixels, crc32, found


def _earlier(task: Task, attempt: Attempt) -> np.ndarray | None:
    """The pixels of an earlier attempt at the task; None when its file is gone."""
    output, ordered = getattr(attempt, "output", None), task.ordered_picture
    try:
        key = output.storage_key if output else ""
        return _read(key, pixels_max=ordered.width * ordered.height, image_format=ordered.format)[0].pixels if key else None
    except BadFrame:
        return None


def _others_wait(task: Task, owner_ids: Set[int]) -> bool:
    return others_wait(task, owner_ids, clock.now())


def _read(storage_key: str, *, pixels_max: int, image_format: str) -> tuple[Decoded, int]:
    """The picture in a stored file, and the file's CRC-32."""
    if not default_storage.exists(storage_key):
        raise BadFrame(Reason.FILE_MISSING)
    try:
        with local_copy(storage_key) as path:
            return decode(path, pixels_max=pixels_max, image_format=image_format), crc32_at(path)
    except Undecodable as error:
        raise BadFrame(Reason.UNDECODABLE, str(error)) from error


def _missing_passes(task: Task, decoded: Decoded) -> Reason | None:
    """A tile without what denoising the whole needs would spoil every other tile."""
    return checks.tile_problem(decoded.channels, denoised=task.job.is_denoised) if task.tile else None


def _duplicate(task: Task, attempt: Attempt) -> Reason | None:
    """Is it pixel for pixel another frame of the job?"""
    same = Attempt.objects.accepted().filter(task__job=task.job_id, pixels_sha256=attempt.pixels_sha256)
    return Reason.DUPLICATE if same.exclude(task=task).exists() else None


def crc32_at(path: Path) -> int:
    with path.open("rb") as file:
        return crc32_of(file)


def small_pictures(storage_key: str, pixels, crc32: int) -> Previews:
    """Write the small pictures beside the frame; writing them again replaces them."""
    stem = str(PurePosixPath(storage_key).with_suffix(""))
    keys = [f"{stem}.preview.webp", f"{stem}.thumbnail.webp"]
    for key, side in zip(keys, [thumbnails.PREVIEW_SIDE, thumbnails.THUMBNAIL_SIDE], strict=True):
        default_storage.delete(key)
        default_storage.save(key, ContentFile(thumbnails.webp(pixels, side)))
    return Previews(*keys, width=pixels.shape[1], height=pixels.shape[0], crc32=crc32)


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
