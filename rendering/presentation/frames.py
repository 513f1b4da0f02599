"""A job's frames: the newest one large, the grid with its map, and how long each took."""

import re
from dataclasses import dataclass

from django.db.models import QuerySet

from common.plots import top_of
from common.written import written_once
from rendering.models import Output, Task
from rendering.presentation import addresses, mosaics, timings
from rendering.presentation.addresses import Addresses
from rendering.presentation.frame_map import Window, shapes_of, window_at_work, window_of_frame, windows_of
from rendering.presentation.reading import Reading
from rendering.presentation.timings import Group
from rendering.presentation.words import caption_of, suffix_of, task_words
from rendering.states import JOB_FINAL, TaskStatus

FRAME = re.compile(r"-?[0-9]{1,12}")
STRIP_LEGEND = [
    ("ok", "accepted"),
    ("info", "checking"),
    ("accent", "rendering"),
    ("", "waiting"),
]


def newest_part(reading: Reading) -> dict:
    """The frame that was accepted last, large."""
    job, newest = reading.job, reading.newest
    return {
        "job": job,
        "mosaic": mosaics.mosaic_of(job, addresses.of_job(job)),
        "newest": newest,
        "caption": _caption(reading, newest),
        "suffix": suffix_of(job),
        "is_final": job.status in JOB_FINAL,
    }


def _caption(reading: Reading, newest: Output | None) -> str:
    if newest is None:
        return ""
    lead = "newest, " if reading.job.status not in JOB_FINAL else ""
    return lead + caption_of(newest)


@dataclass(frozen=True)
class Tile:
    """One frame of the grid."""

    frame: int  # or the number of a tile
    status: str
    words: str
    href: str
    thumb: str  # address of its small picture; empty while there is none
    task_id: int
    percent: int
    is_next: bool


def strip_part(reading: Reading, *, page: str | None = None, frame: str | None = None) -> dict:
    """One window of the grid: `page` by number, else the one with `frame`, else where the work is."""
    return window_of(reading, addresses.of_job(reading.job), page=page, frame=frame)


def window_of(reading: Reading, where: Addresses, *, page: str | None, frame: str | None = None) -> dict:
    windows = windows_of(reading.job, reading.cells)
    number = _number(windows, page, frame)
    window = windows[number - 1] if windows else None
    tiles = _tiles(reading, where, window)
    failed = any(tile.status == TaskStatus.FAILED for tile in tiles)
    return {
        "job": reading.job,
        "tiles": tiles,
        "windows": windows if len(windows) > 1 else [],
        "window": window,
        "page_asked": number if page or frame else "",
        "shapes": shapes_of(reading.cells),
        "columns": len(reading.cells),
        "legend": STRIP_LEGEND + ([("bad", "failed")] if failed or reading.counts.failed else []),
    }


def _number(windows: list, page: str | None, frame: str | None) -> int:
    """Any words in an address lead somewhere."""
    if page and page.isascii() and page.isdigit():
        return min(max(1, int(page[:9])), max(1, len(windows)))
    if frame and FRAME.fullmatch(frame):
        return window_of_frame(windows, int(frame))
    return window_at_work(windows)


@written_once
def tasks_between(job_id: int, first: int, last: int) -> QuerySet[Task]:
    """Those of frames `first` to `last`, with what their tiles show."""
    tasks = Task.objects.filter(job=job_id, frame__range=(first, last))
    return tasks.with_thumbnails().with_start().order_by("frame", "tile")


def _tiles(reading: Reading, where: Addresses, window: Window | None) -> list[Tile]:
    at_work = {row.reference: int((row.fraction or 0) * 100) for row in reading.at_work}
    reading.window_tasks = tasks_between(reading.job.pk, window.first, window.last) if window else []
    return [_tile(task, where, at_work.get(task.pk, 0)) for task in reading.window_tasks]


def _tile(task: Task, where: Addresses, percent: int) -> Tile:
    status = TaskStatus(task.status)
    viewable = status in {TaskStatus.CHECKING, TaskStatus.ACCEPTED} and bool(task.thumbnail_key)
    is_next = status == TaskStatus.RENDERING and task.started_at is None
    return Tile(
        frame=task.number,
        status=task.status,
        words="next on its node" if is_next else task_words(task),
        href=where.page(task.frame) + (f"#tile-{task.tile}" if task.tile else ""),
        thumb=where.image(task.frame, "thumb", task.attempt, tile=task.tile) if viewable else "",
        task_id=task.pk,
        percent=percent,
        is_next=is_next,
    )


# The chart ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spot:
    """A column of the chart, in percent of the plot: the mean, and up to the slowest frame."""

    group: Group
    x: float
    y: float
    top: float
    bottom: float
    left: float
    width: float
    href: str  # of the slowest frame
    unit: str = "frame"

    @property
    def span(self) -> str:
        """ "frame 3", "tiles 1–4"."""
        group = self.group
        return f"{self.unit} {group.first}" if group.first == group.last else f"{self.unit}s {group.first}–{group.last}"

    @property
    def words(self) -> str:
        group = self.group
        if group.frames == 1:
            return f"{self.span}: {group.mean:.2f} s"
        return f"{self.span}: {group.mean:.2f} s on average, {group.least:.2f} to {group.most:.2f} s, slowest {group.slowest}"


def chart_part(reading: Reading) -> dict:
    """Seconds per accepted frame, by groups of neighbours; the slowest frames stay in sight."""
    groups = reading.times.groups
    top = top_of([("", group.most) for group in groups])
    spots = _spots(groups, addresses.of_job(reading.job), top, frame=reading.job.still_frame)
    out = set(map(id, timings.outliers_of(groups)))
    return {
        "job": reading.job,
        "spots": spots,
        "line": " ".join(f"{spot.x},{spot.y}" for spot in spots),
        "ranges": "".join(f"M{spot.x} {spot.top}V{spot.bottom}" for spot in spots if spot.group.frames > 1),
        "top_seconds": top,
        "outliers": [spot for spot in spots if id(spot.group) in out],
        "slowest": _slowest(groups),
        "is_grouped": any(group.frames > 1 for group in groups),
    }


def _slowest(groups: list[Group]) -> Group | None:
    """The group of the slowest frame; None while all took the same time."""
    slowest = max(groups, key=lambda group: group.most, default=None)
    return slowest if slowest and slowest.most > min(group.least for group in groups) else None


def _spots(groups: list[Group], where: Addresses, top: float, *, frame: int | None) -> list[Spot]:
    """`frame`: the one whose tiles these are."""
    step, column = 100 / max(1, len(groups) - 1), 100 / max(1, len(groups))
    return [
        Spot(
            group=group,
            x=round(index * step, 2) if len(groups) > 1 else 50,
            y=round(100 - group.mean / top * 100, 2),
            top=round(100 - group.most / top * 100, 2),
            bottom=round(100 - group.least / top * 100, 2),
            left=round(index * column, 2),
            width=round(column, 2),
            href=where.page(group.slowest if frame is None else frame),
            unit="frame" if frame is None else "tile",
        )
        for index, group in enumerate(groups)
    ]
