"""`make bench WHAT=frames`: 24 light frames of the demo scene on one real node, from submit to the last accepted frame.

Beside it, alternating: one warm Blender that loops over the same frames (the limit), and a Blender process per frame
(what farms do; three of the frames are measured and taken for all). BENCH_QUICK=1 makes one round of few frames.
"""

import os
import subprocess
import time
from pathlib import Path

from pictor.bench.farm import HEIGHT, WIDTH, farm, ready_job, render
from pictor.bench.report import Figure, Report
from pictor.stack.demo import DEMO_SCENE

QUICK = bool(os.environ.get("BENCH_QUICK"))
FRAMES, ROUNDS = (4, 1) if QUICK else (24, 5)
PROCESSES = 1 if QUICK else 3  # of each round, one frame each
SAMPLES = (1, 4)
LOOP = Path(__file__).with_name("blender_loop.py")


def blender(frames: list[int], samples: int) -> subprocess.CompletedProcess:
    words = [str(number) for number in (WIDTH, HEIGHT, samples, *frames)]
    command = [os.environ["BLENDER_PYTHON"], str(LOOP), str(DEMO_SCENE), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True)


def loop_seconds(samples: int) -> float:
    """A warm process: the first frame is rendered twice, and once outside the time."""
    printed = blender([1, *range(1, FRAMES + 1)], samples).stdout
    return float(next(line for line in printed.splitlines() if line.startswith("seconds")).split()[1])


def process_seconds(samples: int) -> float:
    began = time.perf_counter()
    for frame in range(1, PROCESSES + 1):
        blender([frame], samples)
    return (time.perf_counter() - began) * FRAMES / PROCESSES


def measure(seed: int) -> Report:
    report = Report("frames", seed)
    with farm() as stack:
        render(stack, ready_job(stack, "1-2", samples=1))  # Blender is warm, as in the loop
        for samples in SAMPLES:
            ours, limit, processes = [], [], []
            for _ in range(ROUNDS):
                ours.append(render(stack, ready_job(stack, f"1-{FRAMES}", samples=samples)))
                limit.append(loop_seconds(samples))
                processes.append(process_seconds(samples))
            report.figures += _figures(samples, ours, limit, processes)
    return report


def _figures(samples: int, ours: list[float], limit: list[float], processes: list[float]) -> list[Figure]:
    of_limit = [best / mine for best, mine in zip(limit, ours, strict=True)]
    gained = [other / mine for other, mine in zip(processes, ours, strict=True)]
    return [
        Figure(f"of_limit_{samples}_samples", "x", of_limit, reference=1.0),
        Figure(f"vs_process_per_frame_{samples}_samples", "x", gained, reference=1.0),
        Figure(f"seconds_{samples}_samples", "s", ours, reference=sorted(limit)[len(limit) // 2]),
    ]
