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
        table = Table(title=self.part, title_justify="left")
        for heading in ("figure", "value", "unit", "spread", "reference", "goal", "met"):
            table.add_column(heading, justify="left" if heading in {"figure", "unit"} else "right")
        for row in self.rows():
            low, high = row["spread"]
            goal = f"{'≥' if row['better'] == 'higher' else '≤'} {row['goal']:g}" if row["goal"] is not None else ""
            met = {True: "yes", False: "no", None: ""}[row["met"]]
            reference = "" if row["reference"] is None else f"{row['reference']:,.4g}"
            table.add_row(row["name"], f"{row['value']:,.4g}", row["unit"], f"{low:,.4g} – {high:,.4g}", reference, goal, met)
        console.print(table)
