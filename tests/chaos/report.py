"""What is shown at the end: faults by kind with their recovery against the goal, misdeeds, attempts, and the verdict in words."""

import statistics
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pictor.bench.goals import GOALS
from pictor.bench.report import Figure, Report
from tests.chaos.run import Form, Outcome

DATABASE = "postgres killed"


def p99(times: list[float]) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * 0.99))]


def name_of_p99(kind: str) -> str:
    return "p99 of a database" if kind == DATABASE else "p99"


def by_kind(outcome: Outcome) -> dict[str, list[float]]:
    found = defaultdict(list)
    for kind, seconds in outcome.recoveries:
        found[kind].append(seconds)
    return dict(sorted(found.items()))


def report_of(form: Form, outcome: Outcome) -> Report:
    """As of `make bench`: seconds until everything worked again, and how many faults there were."""
    report = Report("chaos", form.seed, [Figure("faults", "", [outcome.faults]), Figure("wrong", "", [len(outcome.problems)])])
    others = [seconds for kind, seconds in outcome.recoveries if kind != DATABASE]
    for kind, times in {"all but the database": others, **by_kind(outcome)}.items():
        if times:
            report.figures.append(Figure(f"{kind}: times", "", [len(times)]))
            report.figures.append(Figure(f"{kind}: p50", "s", [statistics.median(times)]))
            report.figures.append(Figure(f"{kind}: {name_of_p99(kind)}", "s", [p99(times)]))
    return report


def show(form: Form, outcome: Outcome, console: Console) -> None:
    console.print(recoveries(outcome))
    console.print(counted("what the node that misbehaves did", outcome.misdeeds))
    console.print(counted("what the server said to it", outcome.heard))
    table = Table("node", "outcome", "attempts", "charged, micros", title="attempts", title_justify="left")
    for row in outcome.by_node:
        table.add_row(*map(str, row))
    console.print(table)
    console.print(verdict(form, outcome))


def recoveries(outcome: Outcome) -> Table:
    """All works when a frame that was handed out since has arrived, and one has been accepted since."""
    title = "seconds until all works again"
    table = Table("fault", "times", "p50", "p99", "goal", "met", title=title, title_justify="left")
    for kind, times in by_kind(outcome).items():
        goal = GOALS["chaos"][name_of_p99(kind)]
        met = "yes" if goal.met_by(p99(times)) else "no"
        table.add_row(kind, str(len(times)), f"{statistics.median(times):.1f}", f"{p99(times):.1f}", f"≤ {goal.value:g}", met)
    return table


def counted(title: str, counts: dict[str, int]) -> Table:
    table = Table("what", "times", title=title, title_justify="left")
    for what, times in sorted(counts.items()):
        table.add_row(what, str(times))
    return table


def verdict(form: Form, outcome: Outcome) -> str:
    story = (
        f"A job of {form.frames:,} frames with three nodes, one of which misbehaved {outcome.misdeeds.total()} times, "
        f"through {len(outcome.recoveries)} staged faults ({outcome.faults} faults in all; seed {form.seed}): "
    )
    if outcome.problems:
        return "\n".join([f"{story}NOT as it must be.", *outcome.problems])
    return (
        f"{story}complete and balanced. All {outcome.frames:,} frames are accepted, their files are whole, and each was "
        f"charged once; nothing is held, queued or leased. {outcome.ledger}"
    )


def save(form: Form, outcome: Outcome, folder: Path) -> Path:
    return report_of(form, outcome).save(folder)
