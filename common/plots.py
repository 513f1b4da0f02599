"""Geometry of the charts, so that templates only print numbers. Everything is in percent of the plot; y grows downwards."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

HEADROOM = 1.04  # the highest value stays at least this far below the top
TOPS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)  # times a power of ten: what a person would write at the top
BAR_FILL = 0.68  # share of its column that a bar covers

Point = tuple[str, float]  # label, value


@dataclass(frozen=True)
class Spot:
    """One value of a line: where it is, and the column in which a pointer finds it."""

    label: str
    value: float
    x: float
    y: float
    left: float
    width: float


@dataclass(frozen=True)
class Line:
    points: str  # for <polyline> in a 100 x 100 view box
    area: str  # for <polygon>: the same, closed along the bottom
    spots: list[Spot]
    top: float  # value at the top of the plot
    first: str
    last: str


@dataclass(frozen=True)
class Bar:
    label: str
    value: float
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Bars:
    bars: list[Bar]
    top: float
    first: str
    last: str


def top_of(points: Sequence[Point]) -> float:
    """A round value above all others, for the top of the plot, whole where all are; 1 where nothing is above zero."""
    highest = max((value for _, value in points), default=0) * HEADROOM
    if highest <= 0:
        return 1.0
    power = math.floor(math.log10(highest))
    step = next(each for each in TOPS if each >= round(highest / 10**power, 9))
    top = float(f"{step * 10.0**power:.3g}")
    return float(math.ceil(top)) if all(float(value).is_integer() for _, value in points) else top


def line(points: Sequence[Point], top: float | None = None) -> Line:
    """A line over evenly spaced points; a single one is drawn in the middle. `top`: of the plot; None: as the values ask."""
    top, step = top or top_of(points), 100 / max(1, len(points) - 1)
    column = 100 / max(1, len(points))
    spots = [
        Spot(
            label,
            value,
            x=round(index * step if len(points) > 1 else 50, 3),
            y=round(100 - value / top * 100, 3),
            left=round(index * column, 3),
            width=round(column, 3),
        )
        for index, (label, value) in enumerate(points)
    ]
    path = " ".join(f"{spot.x},{spot.y}" for spot in spots)
    return Line(path, f"0,100 {path} 100,100" if len(spots) > 1 else "", spots, top, *_ends(points))


def bars(points: Sequence[Point]) -> Bars:
    """One bar per point, evenly spaced; a value of zero keeps a hairline so that the day can be seen and pointed at."""
    top, column = top_of(points), 100 / max(1, len(points))
    shapes = []
    for index, (label, value) in enumerate(points):
        height = max(value / top * 100, 1.0)
        x = (index + (1 - BAR_FILL) / 2) * column
        shapes.append(Bar(label, value, round(x, 3), round(100 - height, 3), round(column * BAR_FILL, 3), round(height, 3)))
    return Bars(shapes, top, *_ends(points))


def _ends(points: Sequence[Point]) -> tuple[str, str]:
    return (points[0][0], points[-1][0]) if points else ("", "")
