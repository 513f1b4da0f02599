"""`make chaos`: FRAMES, FAULTS and SEED; a stack of its own in a folder that is gone afterwards. The status is 1 if
anything is wrong; how long recovery took is shown beside its goal, and is no reason to fail.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from pictor.stack import ports
from pictor.stack.processes import die_with_parent
from pictor.stack.stack import CODE, Stack
from pictor.stack.starting import orderly
from pictor.stack.words import say
from tests.chaos import disk
from tests.chaos.network import HOST, Road

OWN = {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SITE_URL", "LIVE_URL", "SECRET_KEY", "DEBUG", "PICTOR_VAR"}
FRAMES, FAULTS, FRAME_SECONDS, SEED = 2_000, 200, 0.4, 20_261_122


def main() -> int:
    if "CHAOS_FOLDER" in os.environ:
        return in_folder(Path(os.environ["CHAOS_FOLDER"]))
    with tempfile.TemporaryDirectory(prefix="pictor-chaos-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        mount = disk.small(Path(name))
        if mount is None:
            say("Without the right to mount: the full disk is left out.")
        with orderly():
            return again_in(name, mount)


def again_in(folder: str, mount: Callable[[], None] | None) -> int:
    """This program once more, with the small disk in place."""

    def prepare() -> None:
        die_with_parent()()
        if mount:
            mount()

    command = [sys.executable, "-m", "tests.chaos"]
    return subprocess.call(command, cwd=CODE, env={**os.environ, "CHAOS_FOLDER": folder}, preexec_fn=prepare)


def in_folder(folder: Path) -> int:
    """Imported here: numpy starts threads, which could not enter a namespace."""
    from rich.console import Console

    from tests.chaos import report
    from tests.chaos.run import Form, play

    form = Form(*(kind(os.environ.get(name) or usual) for name, kind, usual in OPTIONS))
    port = ports.free_pair()
    with orderly(), Road([port, port + 1]) as road:
        inherited = {name: value for name, value in os.environ.items() if name not in OWN}
        inherited |= {"SITE_URL": f"http://{HOST}:{road.entries[0]}", "LIVE_URL": f"ws://{HOST}:{road.entries[1]}"}
        with Stack(folder / "var", port=port, with_node=False, inherited=inherited) as stack:
            say(f"Logs: {stack.var / 'log'}")
            outcome = play(stack, road, folder, make_scene(folder), form)
    report.show(form, outcome, Console())
    say(f"written to {report.save(form, outcome, Path(os.environ.get('REPORTS') or 'var/bench'))}")
    return 1 if outcome.problems else 0


OPTIONS = (("SEED", int, SEED), ("FRAMES", int, FRAMES), ("FAULTS", int, FAULTS), ("FRAME_SECONDS", float, FRAME_SECONDS))


def make_scene(folder: Path) -> Path:
    script = CODE / "tests" / "stories" / "make_tiny_scene.py"
    subprocess.run([os.environ["BLENDER_PYTHON"], str(script), str(folder / "tiny.blend")], check=True, capture_output=True)
    return folder / "tiny.blend"


if __name__ == "__main__":
    sys.exit(main())
