"""All frames of a job in one small picture: a column per group of neighbours, filled by what has become of them.

The database counts per column, so that 10,000 frames cost a page no more than 100.
"""

import re
from collections import Counter
from dataclasses import dataclass

from django.db import connection

from rendering.models import Job
from rendering.presentation.words import Counts
from rendering.reasons import Reason
from rendering.states import TaskStatus

WINDOW_FRAMES = 120  # of the grid at once
COLUMNS_WANTED = 360  # of the picture
SEEN_LEAST = 0.25  # of a column's height for what is not accepted: one failed frame of thirty must be seen
PER_WINDOW = (120, 60, 40, 30, 24, 20, 15, 12, 10, 8, 6, 5, 4, 3, 2, 1)  # columns that divide a window evenly
CHECKED_BY_US = [
    Reason.FILE_MISSING,
    Reason.UNDECODABLE,
    Reason.WRONG_SIZE,
    Reason.WRONG_CHANNELS,
    Reason.NOT_FINITE,
    Reason.HASH_MISMATCH,
    Reason.BLACK,
    Reason.CONSTANT,
    Reason.DUPLICATE,
]

TO_COME = (TaskStatus.WAITING, TaskStatus.RENDERING, TaskStatus.CHECKING)
DRAWN = (TaskStatus.ACCEPTED, TaskStatus.CHECKING, TaskStatus.RENDERING, TaskStatus.FAILED)  # from the bottom up

REFUSED = """
    SELECT count(*) FROM rendering_attempt AS attempt JOIN rendering_task AS task ON task.id = attempt.task_id
    WHERE task.job_id = %(job)s AND attempt.outcome = ANY(%(refusals)s) AND attempt.outcome NOT IN ('', 'accepted')
"""
COUNT = f"""
    SELECT place / %(cell)s, status, count(*), min(frame), max(frame), ({REFUSED}) FROM (
        SELECT status, frame, {{place}} AS place FROM rendering_task WHERE job_id = %(job)s
    ) AS placed GROUP BY 1, 2
"""
BY_ORDER = COUNT.format(place="row_number() OVER (ORDER BY frame, tile) - 1")
BY_NUMBER = COUNT.format(place="frame - (SELECT min(frame) FROM rendering_task WHERE job_id = %(job)s)")  # nothing to sort
WITHOUT_GAPS = re.compile(r"\s*-?\d+\s*-\s*-?\d+\s*")


@dataclass(frozen=True)
class Cell:
    """One column: frames `first` to `last`, how many of them are in each status."""

    place: int
    first: int
    last: int
    counts: Counter


def cell_frames(frame_count: int) -> int:
    """Frames of one column; windows of the grid begin and end between columns."""
    windows = max(1, -(-frame_count // WINDOW_FRAMES))
    return WINDOW_FRAMES // next(count for count in PER_WINDOW if count * windows <= COLUMNS_WANTED or count == 1)


@dataclass(frozen=True)
class FrameMap:
    """The columns in order, and how many frames did not pass the checks."""

    cells: list[Cell]
    refused: int


def map_of(job: Job) -> FrameMap:
    """One query, whatever the number of frames."""
    with connection.cursor() as cursor:
        words = BY_NUMBER if WITHOUT_GAPS.fullmatch(job.frames) and not job.tiles else BY_ORDER
        cursor.execute(words, {"cell": cell_frames(job.frame_count), "job": job.pk, "refusals": CHECKED_BY_US})
        rows = cursor.fetchall()
    parts: dict[int, list] = {}
    for place, status, tasks, first, last, _ in rows:
        parts.setdefault(place, []).append((status, tasks, first, last))
    return FrameMap([_cell(place, parts[place]) for place in sorted(parts)], rows[0][5] if rows else 0)


def refused_of(job: Job) -> int:
    """How many frames did not pass the checks, where the map is not read."""
    with connection.cursor() as cursor:
        cursor.execute(REFUSED, {"job": job.pk, "refusals": CHECKED_BY_US})
        return cursor.fetchone()[0]


def _cell(place: int, parts: list) -> Cell:
    return Cell(
        place=place,
        first=min(first for _, _, first, _ in parts),
        last=max(last for _, _, _, last in parts),
        counts=Counter({status: tasks for status, tasks, _, _ in parts}),
    )


def counts_of(job: Job, cells: list[Cell]) -> Counts:
    return Counts.of(job.frame_count, dict(sum((cell.counts for cell in cells), Counter())))


@dataclass(frozen=True)
class Window:
    """One screen of the grid: its number from 1, its frames, and whether something in it failed."""

    number: int
    first: int
    last: int
    counts: Counter

    @property
    def span(self) -> str:
        return f"{self.first}–{self.last}" if self.first != self.last else f"{self.first}"

    @property
    def words(self) -> str:
        return ", ".join(f"{tasks:,} {status}" for status, tasks in sorted(self.counts.items()))


def windows_of(job: Job, cells: list[Cell]) -> list[Window]:
    per_window = WINDOW_FRAMES // cell_frames(job.frame_count)
    groups: dict[int, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.place // per_window, []).append(cell)
    return [
        Window(number + 1, group[0].first, group[-1].last, sum((cell.counts for cell in group), Counter()))
        for number, group in groups.items()
    ]


def window_at_work(windows: list[Window]) -> int:
    """The window where the first frame lies that is still to come: the grid follows the work."""
    unfinished = (window.number for window in windows if any(window.counts[status] for status in TO_COME))
    return next(unfinished, 1)


def window_of_frame(windows: list[Window], frame: int) -> int:
    """The window that holds the frame, or the nearest one before it."""
    return max((window.number for window in windows if window.first <= frame), default=1)


@dataclass(frozen=True)
class Shape:
    """Everything of one status: an SVG path in a box as wide as there are columns and 1 high."""

    status: str
    path: str


def shapes_of(cells: list[Cell]) -> list[Shape]:
    paths: dict[str, list[str]] = {status: [] for status in DRAWN}
    for index, cell in enumerate(cells):
        bottom, whole = 1.0, cell.counts.total()
        for status in DRAWN:
            if cell.counts[status]:
                least = 0.0 if status == TaskStatus.ACCEPTED else SEEN_LEAST
                height = max(cell.counts[status] / whole, least)
                bottom = max(bottom, height)
                paths[status].append(f"M{index} {_short(bottom)}v-{_short(height)}h1v{_short(height)}z")
                bottom -= height
    return [Shape(status, "".join(path)) for status, path in paths.items() if path]


def _short(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
