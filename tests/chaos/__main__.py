"""`make chaos`: FRAMES (2,000), KILLS (24) and SEED; a stack of its own in a folder that is gone afterwards. Prints what came of it."""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pictor.stack import ports
from pictor.stack.stack import CODE, Stack
from pictor.stack.words import say
from tests.chaos.run import Outcome, play

OWN = {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SITE_URL", "LIVE_URL", "SECRET_KEY", "DEBUG", "PICTOR_VAR"}


def number(name: str, usual: int) -> int:
    return int(os.environ.get(name) or usual)


def make_scene(folder: Path) -> Path:
    script = CODE / "tests" / "stories" / "make_tiny_scene.py"
    subprocess.run([os.environ["BLENDER_PYTHON"], str(script), str(folder / "tiny.blend")], check=True, capture_output=True)
    return folder / "tiny.blend"


def show(outcome: Outcome, console: Console) -> None:
    for title, counts in (("misdeeds", outcome.misdeeds), ("what the server said to them", outcome.heard)):
        table = Table("what", "times", title=title, title_justify="left")
        for what, times in sorted(counts.items()):
            table.add_row(what, str(times))
        console.print(table)
    table = Table("node", "outcome", "attempts", "charged, micros", title="attempts", title_justify="left")
    for row in outcome.by_node:
        table.add_row(*map(str, row))
    console.print(table)
    console.print(recoveries(outcome.recoveries))
    console.print(f"{outcome.frames} frames accepted. {outcome.ledger}")
    console.print(
        "\n".join(["WRONG:", *outcome.problems])
        if outcome.problems
        else "Each frame charged once; nothing held, queued or leased."
    )


def recoveries(times: list[tuple[str, float]]) -> Table:
    table = Table("killed", "times", "p50 s", "p99 s", title="until it runs and a frame is accepted", title_justify="left")
    for name in [*sorted({name for name, _ in times}), "all"]:
        own = sorted(seconds for process, seconds in times if name in {process, "all"})
        if own:
            p99 = own[min(len(own) - 1, int(len(own) * 0.99))]
            table.add_row(name, str(len(own)), f"{statistics.median(own):.1f}", f"{p99:.1f}")
    return table


def main() -> int:
    inherited = {name: value for name, value in os.environ.items() if name not in OWN}
    with tempfile.TemporaryDirectory(prefix="pictor-chaos-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        stack = Stack(folder / "var", port=ports.free_pair(), with_node=False, inherited=inherited)
        say(f"Logs: {stack.var / 'log'}")
        with stack:
            outcome = play(
                stack,
                folder / "nodes",
                make_scene(folder),
                seed=number("SEED", 20_261_122),
                frames=number("FRAMES", 2_000),
                kill_count=number("KILLS", 24),
            )
    show(outcome, Console())
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
