"""A part's figures as a table in the terminal and as JSON in var/bench/<part>.json."""

import json
import os
import platform
import statistics
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pictor.bench.goals import GOALS


@dataclass
class Figure:
    """One measured number: the median of `rounds`; `reference` is what the same run measured of the other way."""

    name: str
    unit: str
    rounds: list[float]
    reference: float | None = None

    @property
    def value(self) -> float:
        return statistics.median(self.rounds)


@dataclass
class Report:
    part: str
    seed: int
    figures: list[Figure] = field(default_factory=list)
    columns: tuple[str, ...] = ()  # of figures "subject: column": the table then has a line per subject

    def rows(self) -> list[dict]:
        return [self._row(figure) for figure in self.figures]

    def _row(self, figure: Figure) -> dict:
        goal = GOALS[self.part].get(figure.name.rpartition(": ")[2])
        return {
            "name": figure.name,
            "value": figure.value,
            "unit": figure.unit,
            "goal": goal and goal.value,
            "better": goal and goal.better,
            "met": goal and goal.met_by(figure.value),
            "reference": figure.reference,
            "spread": [min(figure.rounds), max(figure.rounds)],
        }

    def save(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.part}.json"
        path.write_text(
            json.dumps(
                {
                    "part": self.part,
                    "at": datetime.now(UTC).isoformat(timespec="seconds"),
                    "machine": {"cpus": os.cpu_count(), "system": platform.platform()},
                    "versions": {
                        name: version(name) for name in ("django", "celery", "redis", "psycopg", "granian", "uvicorn")
                    },
                    "seed": self.seed,
                    "figures": self.rows(),
                },
                indent=2,
            )
        )
        return path

    def show(self, console: Console) -> None:
        console.print(self._by_subject() if self.columns else self._by_figure())

    def _by_figure(self) -> Table:
        table = Table(title=self.part, title_justify="left")
        for heading in ("figure", "value", "unit", "spread", "reference", "goal", "met"):
            table.add_column(heading, justify="left" if heading in {"figure", "unit"} else "right")
        for row in self.rows():
            low, high = row["spread"]
            met = {True: "yes", False: "no", None: ""}[row["met"]]
            reference = "" if row["reference"] is None else f"{row['reference']:,.4g}"
            spread = f"{low:,.4g} – {high:,.4g}"
            table.add_row(row["name"], f"{row['value']:,.4g}", row["unit"], spread, reference, _goal_words(row), met)
        return table

    def _by_subject(self) -> Table:
        """A line per subject; what misses its goal is marked."""
        lines: dict[str, dict[str, dict]] = {}
        for row in self.rows():
            subject, _, column = row["name"].rpartition(": ")
            lines.setdefault(subject, {})[column] = row
        missed = sum(row["met"] is False for row in self.rows())
        table = Table(
            title=self.part, title_justify="left", caption=f"{len(lines)} lines, {missed} figures (!) miss their goal"
        )
        table.add_column("", no_wrap=True)
        for column in self.columns:
            row = next(iter(lines.values()))[column]
            table.add_column(f"{column} ({_goal_words(row)} {row['unit']})".replace(" )", ")"), justify="right")
        for subject, rows in lines.items():
            cells = [rows[column] for column in self.columns]
            table.add_row(subject, *(f"{row['value']:,.3g}{' !' if row['met'] is False else '  '}" for row in cells))
        return table


def _goal_words(row: dict) -> str:
    return f"{'≥' if row['better'] == 'higher' else '≤'} {row['goal']:g}" if row["goal"] is not None else ""
