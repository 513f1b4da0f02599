"""`make bench WHAT=start`: `make demo` of one frame, warm, to its first accepted frame; beside it Blender rendering that frame
by itself.
"""

import os
import re
import statistics
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
FRAME = re.compile(r"[1-9][0-9]*/[0-9]+ frames")  # what the demo prints once a frame is accepted


def environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in OWN} | more


def alone_seconds() -> float:
    """Blender by itself with the demo's first frame."""
    began = time.perf_counter()
    command = [os.environ["BLENDER_PYTHON"], "-c", RENDER, str(DEMO_SCENE)]
    subprocess.run(command, check=True, capture_output=True, cwd=CODE, env=environment())
    return time.perf_counter() - began


def demo_seconds() -> tuple[float, float]:
    """To the first accepted frame, and to the end. A new folder each time: databases are made, Blender and packages are here
    already.
    """
    with tempfile.TemporaryDirectory(prefix="pictor-bench-", ignore_cleanup_errors=True) as var:
        os.chmod(var, 0o755)
        more = environment(PICTOR_VAR=f"{var}/var", PORT=str(ports.free_pair()), EXIT="1", FRAMES="1")
        return watched_seconds([sys.executable, "-m", "pictor.stack.demo"], more)


def watched_seconds(command: list[str], more: dict[str, str]) -> tuple[float, float]:
    """Until FRAME is printed, and until the command ends."""
    began, first, said = time.perf_counter(), None, []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=CODE, env=more) as demo:
        for line in demo.stdout:
            said.append(line)
            if first is None and FRAME.search(line):
                first = time.perf_counter() - began
    if demo.returncode or first is None:
        raise RuntimeError(f"the demo ended with {demo.returncode}: {''.join(said[-5:])}")
    return first, time.perf_counter() - began


def measure(seed: int) -> Report:
    firsts, ends, alone = [], [], []
    for _ in range(ROUNDS):
        first, end = demo_seconds()
        firsts.append(first)
        ends.append(end)
        alone.append(alone_seconds())
    reference = statistics.median(alone)
    figures = [Figure("warm", "s", firsts, reference=reference), Figure("warm_to_the_end", "s", ends, reference=reference)]
    return Report("start", seed, figures)
