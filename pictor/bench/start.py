"""`make bench WHAT=start`: `make demo` of one frame to its end, warm; beside it Blender rendering that frame by itself."""

import os
import subprocess
import sys
import tempfile
import time

from pictor.bench.report import Figure, Report
from pictor.stack import ports
from pictor.stack.demo import DEMO_SCENE
from pictor.stack.stack import CODE

OWN = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DEBUG", "DJANGO_SETTINGS_MODULE", "PICTOR_VAR"}
RENDER = "import bpy, sys; bpy.ops.wm.open_mainfile(filepath=sys.argv[1]); bpy.ops.render.render()"
ROUNDS = 1 if os.environ.get("BENCH_QUICK") else 3


def seconds_of(command: list[str], **more: str) -> float:
    environment = {name: value for name, value in os.environ.items() if name not in OWN} | more
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=CODE, env=environment)
    return time.perf_counter() - began


def demo_seconds() -> float:
    """A new folder each time: databases are made, Blender and packages are here already."""
    with tempfile.TemporaryDirectory(prefix="pictor-bench-", ignore_cleanup_errors=True) as var:
        os.chmod(var, 0o755)
        return seconds_of(
            [sys.executable, "-m", "pictor.stack.demo"],
            PICTOR_VAR=f"{var}/var", PORT=str(ports.free_pair()), EXIT="1", FRAMES="1",
        )  # fmt: skip


def measure(seed: int) -> Report:
    ours, alone = [], []
    for _ in range(ROUNDS):
        ours.append(demo_seconds())
        alone.append(seconds_of([os.environ["BLENDER_PYTHON"], "-c", RENDER, str(DEMO_SCENE)]))
    return Report("start", seed, [Figure("warm", "s", ours, reference=sorted(alone)[len(alone) // 2])])
