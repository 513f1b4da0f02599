"""A node's gauges over an hour, a day, a week, a month or a year: an even grid of values, None where it did not report."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection

from workers.models import Worker
from workers.rollups import GPUS, MACHINES, Subject, keeps_larger, rolled_until

GIB = 1024**3
BITS_A_BYTE, MEGA = 8, 1_000_000


@dataclass(frozen=True, slots=True)
class Period:
    """How far back, and how long each value is; every step divides a day, so that all grids begin at midnight (UTC)."""

    key: str
    words: str
    sentence: str  # "in the last ..."
    step: timedelta
    values: int
    grain: str  # the coarsest rows that serve it


PERIODS = (
    Period("1h", "1 h", "hour", timedelta(minutes=1), 60, "minute"),
    Period("24h", "24 h", "24 hours", timedelta(minutes=5), 288, "minute"),
    Period("7d", "7 d", "7 days", timedelta(hours=1), 168, "hour"),
    Period("30d", "30 d", "30 days", timedelta(hours=4), 180, "hour"),
    Period("1y", "1 y", "year", timedelta(days=1), 365, "day"),
)
HOUR_AGO, DAY_AGO = PERIODS[:2]
YOUNG = timedelta(hours=6)  # a node's first minutes would be a hair at the edge of a day

TIME_OF = {"minute": "minute_at", "hour": "hour_at", "day": "(day_on::timestamp AT TIME ZONE 'UTC')"}
COLUMN_OF = {"minute": "minute_at", "hour": "hour_at", "day": "day_on"}
MIDNIGHT = datetime.fromisoformat("2001-01-01T00:00:00+00:00")  # any


def first_shown(worker: Worker, *, now: datetime) -> Period:
    """What nobody chose yet."""
    return HOUR_AGO if now - worker.created_at < YOUNG else DAY_AGO


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart. `source` names the gauge of a live sample that goes on with it: static/js/worker_charts.js."""

    words: str
    source: str
    values: list[float | None]

    @property
    def known(self) -> list[float]:
        return [value for value in self.values if value is not None]

    @property
    def mean(self) -> float:
        return sum(self.known) / len(self.known)

    @property
    def highest(self) -> float:
        return max(self.known)


@dataclass(frozen=True, slots=True)
class Chart:
    key: str
    title: str
    unit: str
    lines: list[Line]
    top: float | None = None  # of the axis; None: as high as the values
    peaks: bool = False  # each value is the highest of its time, not the mean


@dataclass(slots=True)
class Charts:
    """Everything that one page draws."""

    period: Period
    since: datetime
    now: datetime
    charts: list[Chart] = field(default_factory=list)
    reported: timedelta = timedelta()  # how long the node reported
    newest_samples: int = 0  # in the last value

    @property
    def figures(self) -> dict:
        """For static/js/worker_charts.js."""
        return {
            "since": int(self.since.timestamp()),
            "now": self.now.timestamp(),
            "step": int(self.period.step.total_seconds()),
            "samples": self.newest_samples,
            "charts": [
                {
                    "key": chart.key,
                    "unit": chart.unit,
                    "top": chart.top,
                    "peaks": chart.peaks,
                    "lines": [{"words": x.words, "source": x.source, "values": x.values} for x in chart.lines],
                }
                for chart in self.charts
            ],
        }


def read(worker: Worker, period: Period, *, now: datetime) -> Charts:
    """The charts of a node (GPUs prefetched), in three queries."""
    newest = MIDNIGHT + (now - MIDNIGHT) // period.step * period.step
    since = newest - (period.values - 1) * period.step
    fresh = since if period.grain == "minute" else max(since, rolled_until() or since)
    machine = _Grid(period, since, _bins(MACHINES, worker.pk, period, since, fresh))
    gpus = _Grid(period, since, _bins(GPUS, worker.pk, period, since, fresh))
    return Charts(
        period,
        since,
        now,
        [*_machine_charts(machine), *_gpu_charts(gpus, worker)] if machine.rows else [],
        timedelta(minutes=int(sum(row["minutes"] for row in machine.rows.values()))),
        machine.rows.get((newest,), {}).get("samples", 0),
    )


def _bins(subject: Subject, worker_id: int, period: Period, since: datetime, fresh: datetime) -> dict[tuple, dict]:
    """Figures by (step, what follows the node in the key): whole rows until `fresh`, then the minutes."""
    figures = ", ".join(subject.figures)
    folded = ", ".join(f"{'max' if keeps_larger(figure) else 'sum'}({figure})" for figure in subject.figures)
    more = "".join(f", {column}" for column in subject.key[1:])
    kept = f"""
        SELECT {TIME_OF[period.grain]} AS at{more}, minutes, {figures} FROM {subject.table}{period.grain}
        WHERE worker_id = %(worker)s AND {COLUMN_OF[period.grain]} >= %(since)s UNION ALL"""
    statement = f"""
        SELECT date_bin(%(step)s, at, %(midnight)s) AS bin{more}, sum(minutes), {folded}
        FROM ({"" if period.grain == "minute" else kept}
            SELECT minute_at AS at{more}, 1 AS minutes, {figures} FROM {subject.table}minute
            WHERE worker_id = %(worker)s AND minute_at >= %(fresh)s) AS parts
        GROUP BY bin{more}"""
    given = {"worker": worker_id, "since": since, "fresh": fresh, "step": period.step, "midnight": MIDNIGHT}
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        names, keys = ["minutes", *subject.figures], len(subject.key)
        return {tuple(row[:keys]): dict(zip(names, row[keys:], strict=True)) for row in cursor.fetchall()}


class _Grid:
    """Rows laid out evenly."""

    def __init__(self, period: Period, since: datetime, rows: dict[tuple, dict]):
        self.rows = rows
        self.steps = [since + n * period.step for n in range(period.values)]

    def values(self, value, *more: int) -> list[float | None]:
        found = (self.rows.get((step, *more)) for step in self.steps)
        return [None if row is None else round(float(value(row)), 1) for row in found]


def _machine_charts(grid: _Grid) -> list[Chart]:
    return [
        Chart("cpu", "Processor load", "%", [Line("Processor", "cpu", grid.values(_share("cpu_load_sum")))], top=100),
        Chart("ram", "Memory used", "GB", [Line("Memory", "ram", grid.values(_gib("ram_used_bytes_max")))], peaks=True),
        Chart(
            "network",
            "Network",
            "Mb/s",
            [
                Line("Down", "down", grid.values(_megabits("network_down_bytes"))),
                Line("Up", "up", grid.values(_megabits("network_up_bytes"))),
            ],
        ),
    ]


# key, title, unit, a row's value, top of the axis, whether a value is the highest of its time
OF_GPUS = (
    ("load", "GPU load", "%", lambda row: 100 * row["load_sum"] / row["samples"], 100, False),
    ("vram", "GPU memory used", "GB", lambda row: row["vram_used_bytes_max"] / GIB, None, True),
    ("celsius", "GPU temperature", "°C", lambda row: row["celsius_max"], None, True),
    ("watts", "GPU power", "W", lambda row: row["watts_sum"] / row["samples"], None, False),
)


def _gpu_charts(grid: _Grid, worker: Worker) -> list[Chart]:
    """A line per GPU that the node has now; what no GPU of it measures is left out."""
    known = {index for _, index in grid.rows}
    gpus = [gpu for gpu in worker.gpus.all() if gpu.index in known]
    charts = [
        Chart(
            key,
            title,
            unit,
            [Line(f"GPU {gpu.index}", f"{key}:{gpu.index}", grid.values(value, gpu.index)) for gpu in gpus],
            top,
            peaks,
        )
        for key, title, unit, value, top, peaks in OF_GPUS
    ]
    return [chart for chart in charts if any(value for line in chart.lines for value in line.values)]


def _share(figure: str):
    return lambda row: 100 * row[figure] / row["samples"]


def _gib(figure: str):
    return lambda row: row[figure] / GIB


def _megabits(figure: str):
    return lambda row: row[figure] * BITS_A_BYTE / MEGA / (row["minutes"] * 60)
