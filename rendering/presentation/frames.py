"""A job's frames: the newest one large, the film strip, and how long each took."""

from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Page, Paginator

from rendering import reasons
from rendering.models import Attempt, Job, Output, Task
from rendering.presentation.words import caption_of, suffix_of
from rendering.services.settlement import KIND
from rendering.states import JOB_FINAL, TaskStatus
from workers import services as queue

STRIP_FRAMES = 200  # of the film strip on one page
CHART_POINTS = 160
STRIP_LEGEND = [
    ("ok", "accepted"),
    ("info", "checking"),
    ("accent", "rendering"),
    ("", "waiting"),
]


def newest_part(job: Job, *, now: datetime) -> dict:
    """The frame that arrived last, large."""
    newest = (
        Output.objects.current()
        .filter(attempt__task__job=job)
        .exclude(preview_key="")
        .select_related("attempt__task", "attempt__worker")
        .order_by("-id")
        .first()
    )
    return {"job": job, "newest": newest, "caption": _caption(job, newest), "suffix": suffix_of(job)}


def _caption(job: Job, newest: Output | None) -> str:
    if newest is None:
        return ""
    lead = "newest, " if job.status not in JOB_FINAL else ""
    return lead + caption_of(newest)


@dataclass(frozen=True)
class Tile:
    """One frame of the strip."""

    frame: int
    status: str
    words: str
    has_picture: bool
    version: int  # of the picture: the attempt it came from
    task_id: int
    percent: int
    is_next: bool


def strip_part(job: Job, *, now: datetime, page: str | None = None) -> dict:
    tasks = Task.objects.filter(job=job).with_thumbnails().with_start().order_by("frame")
    paginator = Paginator(tasks, STRIP_FRAMES)
    shown = paginator.get_page(page or _page_at_work(job))
    at_work = {row.reference: int((row.fraction or 0) * 100) for row in queue.nodes_at_work(KIND, job.pk)}
    return {
        "job": job,
        "tiles": [_tile(task, at_work.get(task.pk, 0)) for task in shown],
        "page": shown,
        "page_asked": page or "",
        "windows": _windows(paginator, shown),
        "legend": STRIP_LEGEND + ([("bad", "failed")] if any(task.status == TaskStatus.FAILED for task in shown) else []),
        "suffix": suffix_of(job),
    }


def _page_at_work(job: Job) -> int:
    """The page on which the first frame that is not accepted yet lies: a long strip follows the work."""
    if job.frame_count <= STRIP_FRAMES:
        return 1
    first = Task.objects.filter(job=job).exclude(status=TaskStatus.ACCEPTED).order_by("frame").values_list("frame").first()
    if first is None:
        return 1
    return Task.objects.filter(job=job, frame__lt=first[0]).count() // STRIP_FRAMES + 1


@dataclass(frozen=True)
class Window:
    number: int
    words: str
    current: bool


def _windows(paginator: Paginator, shown: Page) -> list[Window]:
    """The pages of a long strip by their positions: "1–200", "201–400"."""
    if paginator.num_pages < 2:
        return []
    spans = [(number, (number - 1) * STRIP_FRAMES + 1) for number in paginator.page_range]
    return [
        Window(number, f"{first}–{min(first + STRIP_FRAMES - 1, paginator.count)}", number == shown.number)
        for number, first in spans
    ]


def _tile(task: Task, percent: int) -> Tile:
    status = TaskStatus(task.status)
    viewable = status in {TaskStatus.CHECKING, TaskStatus.ACCEPTED}
    is_next = status == TaskStatus.RENDERING and task.started_at is None
    return Tile(
        frame=task.frame,
        status=task.status,
        words="next on its node" if is_next else _task_words(task, status),
        has_picture=viewable and bool(task.thumbnail_key),
        version=task.attempt,
        task_id=task.pk,
        percent=percent,
        is_next=is_next,
    )


def _task_words(task: Task, status: TaskStatus) -> str:
    if status == TaskStatus.FAILED and task.reason:
        return f"failed: {reasons.words(task.reason)}"
    return str(status.label).lower()


def chart_part(job: Job, *, now: datetime) -> dict:
    """Seconds per accepted frame, averaged into at most CHART_POINTS groups of neighbours."""
    values = list(
        Attempt.objects.accepted()
        .filter(task__job=job, render_seconds__isnull=False)
        .order_by("task__frame")
        .values_list("task__frame", "render_seconds")
    )
    size = -(-len(values) // CHART_POINTS) or 1
    groups = [values[start : start + size] for start in range(0, len(values), size)]
    return {
        "job": job,
        "points": [_point(group) for group in groups],
        "slowest": max(values, key=lambda each: each[1], default=None),
    }


def _point(group: list[tuple[int, float]]) -> tuple[str, float]:
    first, last = group[0][0], group[-1][0]
    words = f"frame {first}" if first == last else f"frames {first}–{last}"
    return words, round(sum(seconds for _, seconds in group) / len(group), 2)
