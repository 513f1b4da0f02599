"""A single frame in tiles: how it is divided, what each tile is ordered with, where it lies in the whole. PURE."""

import re
from math import sqrt
from typing import NamedTuple

TILES_MAX = 64
SIDE_MIN = 8  # pixels of a tile
OVERLAP = 8  # pixels beyond each inner edge: adaptive sampling decides otherwise near the rim of what is rendered
PIXELS_SUGGESTED = 1_000_000  # of one tile: above it the scene's own preparation hardly counts
SUGGESTED_FROM = 4_000_000  # pixels of a frame for which tiles are proposed
PIXELS_MAX = 67_108_864  # 8,192 x 8,192: Blender holds the whole with its passes in memory, some 100 bytes a pixel
GRID = re.compile(r"([1-9][0-9]?)[x×]([1-9][0-9]?)", re.ASCII)


class BadGrid(ValueError):
    """The words tell their creator what to write."""


class Box(NamedTuple):
    """Pixels from the upper left corner of the frame."""

    left: int
    top: int
    width: int
    height: int


class Grid(NamedTuple):
    """Tiles across and down; they are numbered from 1, row by row."""

    across: int
    down: int

    @property
    def count(self) -> int:
        return self.across * self.down

    def numbers(self) -> range:
        return range(1, self.count + 1)

    def rows(self) -> list[range]:
        """The numbers of each row, from the top."""
        return [range(first, first + self.across) for first in range(1, self.count + 1, self.across)]

    def own(self, number: int, width: int, height: int) -> Box:
        """The part of a frame of this size that is the tile's alone."""
        row, column = divmod(number - 1, self.across)
        left, top = width * column // self.across, height * row // self.down
        right, bottom = width * (column + 1) // self.across, height * (row + 1) // self.down
        return Box(left, top, right - left, bottom - top)

    def ordered(self, number: int, width: int, height: int) -> Box:
        """What is rendered for it: its own part and the overlap, as far as the frame goes."""
        own = self.own(number, width, height)
        left, top = max(0, own.left - OVERLAP), max(0, own.top - OVERLAP)
        right, bottom = min(width, own.left + own.width + OVERLAP), min(height, own.top + own.height + OVERLAP)
        return Box(left, top, right - left, bottom - top)


def parse_grid(text: str) -> Grid | None:
    """ "4x3" -> four across, three down; None for no tiles.

    Raises:
        BadGrid: unreadable, or too many.
    """
    words = "".join(text.split()).lower()
    if words in {"", "1x1"}:
        return None
    match = GRID.fullmatch(words)
    if not match:
        raise BadGrid("Write tiles across and down, such as 4x4, or leave it empty.")
    grid = Grid(int(match[1]), int(match[2]))
    if grid.count > TILES_MAX:
        raise BadGrid(f"{words} makes {grid.count:,} tiles; a frame has at most {TILES_MAX}.")
    return grid


def written(grid: Grid | None) -> str:
    return f"{grid.across}x{grid.down}" if grid else ""


def suggested(width: int, height: int) -> str:
    """The grid for a still of this size, of nearly square tiles; empty where tiles gain little."""
    if width * height < SUGGESTED_FROM:
        return ""
    side = sqrt(max(PIXELS_SUGGESTED, width * height / TILES_MAX))
    across, down = max(1, round(width / side)), max(1, round(height / side))
    while across * down > TILES_MAX:
        across, down = (across - 1, down) if across >= down else (across, down - 1)
    return written(Grid(across, down))
