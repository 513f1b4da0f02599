"""A frame in tiles: how it grows, and afterwards who rendered which part of it."""

from dataclasses import dataclass

from rendering.models import Attempt, Job, MergedFrame, Task
from rendering.presentation.addresses import Addresses
from rendering.presentation.words import TASK_TONES, task_words
from rendering.services import MERGE_TRIES_MAX
from rendering.states import JobStatus, TaskStatus
from rendering.tiling import Box

SHARP_UP_TO = 16  # tiles; more of them are shown by their thumbnails


@dataclass(frozen=True)
class Piece:
    """One tile in its place; `ordered` is what its picture shows, the overlap included."""

    number: int
    own: Box
    ordered: Box
    status: str
    words: str
    src: str  # empty while there is no picture

    @property
    def view(self) -> str:
        """The part of the picture that is the tile's alone, as a viewBox."""
        left, top = self.own.left - self.ordered.left, self.own.top - self.ordered.top
        return f"{left} {top} {self.own.width} {self.own.height}"

    @property
    def tone(self) -> str:
        return TASK_TONES[TaskStatus(self.status)]


@dataclass(frozen=True)
class Mosaic:
    """The growing frame of a job; `merged` is the finished one, when it is there."""

    job: Job
    frame: int
    pieces: list[Piece]
    merged: MergedFrame | None
    merged_src: str

    @property
    def finished(self) -> int:
        return sum(piece.status == TaskStatus.ACCEPTED for piece in self.pieces)

    @property
    def words(self) -> str:
        """ "5 of 16 tiles"."""
        return f"{self.finished} of {len(self.pieces)} tiles"


def mosaic_of(job: Job, where: Addresses) -> Mosaic | None:
    """None for a job of whole frames."""
    if not job.tiles:
        return None
    merged = merged_of(job)
    shown = merged if merged and merged.storage_key else None
    tasks = list(Task.objects.filter(job=job).with_thumbnails().order_by("tile"))
    frame = tasks[0].frame if tasks else 0
    src = where.image(frame, "preview", shown.newest_output) if shown else ""
    return Mosaic(job, frame, [_piece(task, job, where) for task in tasks], shown, src)


def merged_of(job: Job) -> MergedFrame | None:
    return MergedFrame.objects.filter(job=job).first() if job.tiles else None


def _piece(task: Task, job: Job, where: Addresses) -> Piece:
    viewable = task.status in {TaskStatus.CHECKING, TaskStatus.ACCEPTED} and bool(task.thumbnail_key)
    size = "preview" if job.grid.count <= SHARP_UP_TO else "thumb"
    return Piece(
        number=task.tile,
        own=job.grid.own(task.tile, job.width, job.height),
        ordered=job.grid.ordered(task.tile, job.width, job.height),
        status=task.status,
        words=task_words(task),
        src=where.image(task.frame, size, task.attempt, tile=task.tile) if viewable else "",
    )


def merge_words(job: Job) -> tuple[str, str, str] | None:
    """Tone, title and text while a complete frame is not put together; None where there is nothing to say."""
    if not job.tiles or job.status != JobStatus.COMPLETED or job.frames_deleted_at:
        return None
    merged = merged_of(job)
    if merged and merged.failure and merged.tries >= MERGE_TRIES_MAX:
        return "bad", "The tiles could not be put together.", f"{merged.failure} Each tile can be downloaded as OpenEXR."
    if merged and not merged.failure and merged.storage_key and merged.made_at >= job.finished_at:
        return None
    return "info", "Every tile is in.", "The frame is being put together and finished."


@dataclass(frozen=True)
class TileRow:
    """One attempt at a tile, for the frame's page."""

    task: Task
    attempt: Attempt | None

    @property
    def tone(self) -> str:
        return TASK_TONES[TaskStatus(self.task.status)]

    @property
    def words(self) -> str:
        return task_words(self.task)


def tiles_part(job: Job, where: Addresses) -> dict:
    """The page of a frame in tiles."""
    tasks = list(job.tasks.order_by("tile"))
    newest = {
        attempt.task_id: attempt
        for attempt in Attempt.objects.filter(task__in=tasks).select_related("worker").order_by("task_id", "number")
    }
    return {
        "job": job,
        "mosaic": mosaic_of(job, where),
        "rows": [TileRow(task, newest.get(task.pk)) for task in tasks],
        "merge_words": merge_words(job),
        "where": where,
    }
