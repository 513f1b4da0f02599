"""`make bench WHAT=frames`: 24 light frames of the demo scene on one real node, from submit to the last accepted frame.

Beside it, alternating: one warm Blender that loops over the same frames (the limit), and a Blender process per frame
(what farms do; three of the frames are measured and taken for all). The node has a core of its own, as it has a machine
of its own in life, and so have both references in their turn; `shared_` figures are of everybody on every core. The frames
are as large as those by which the goals were set: a process per frame costs some 2.9 and 1.6 times the loop, as it did there.
BENCH_QUICK=1 makes one round of few frames.
"""

import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from pictor.bench import cores
from pictor.bench.cores import Cores
from pictor.bench.farm import farm, ready_job, render
from pictor.bench.report import Figure, Report
from pictor.stack.demo import DEMO_SCENE
from pictor.stack.stack import Stack

QUICK = bool(os.environ.get("BENCH_QUICK"))
WIDTH, HEIGHT = 480, 270
FRAMES, ROUNDS = (4, 1) if QUICK else (24, 5)
SHARED_ROUNDS = 1 if QUICK else 2
PROCESSES = 1 if QUICK else 3  # of each round, one frame each
SAMPLES = (1, 4)
LOOP = Path(__file__).with_name("blender_loop.py")


@dataclass
class Rounds:
    """Seconds of the same frames, three ways, in turns."""

    ours: list[float] = field(default_factory=list)
    limit: list[float] = field(default_factory=list)
    processes: list[float] = field(default_factory=list)

    def figures(self, samples: int, prefix: str) -> list[Figure]:
        of_limit = [best / mine for best, mine in zip(self.limit, self.ours, strict=True)]
        gained = [other / mine for other, mine in zip(self.processes, self.ours, strict=True)]
        return [
            Figure(f"{prefix}of_limit_{samples}_samples", "x", of_limit, reference=1.0),
            Figure(f"{prefix}vs_process_per_frame_{samples}_samples", "x", gained, reference=1.0),
            Figure(f"{prefix}seconds_{samples}_samples", "s", self.ours, reference=sorted(self.limit)[len(self.limit) // 2]),
        ]


def blender(frames: list[int], samples: int, where: Cores) -> subprocess.CompletedProcess:
    words = [str(number) for number in (WIDTH, HEIGHT, samples, *frames)]
    return where.run([os.environ["BLENDER_PYTHON"], str(LOOP), str(DEMO_SCENE), *words])


def our_seconds(stack: Stack, frames: str, samples: int) -> float:
    return render(stack, ready_job(stack, frames, samples=samples, width=WIDTH, height=HEIGHT))


def loop_seconds(samples: int, where: Cores) -> float:
    """A warm process: the first frame is rendered twice, and once outside the time."""
    printed = blender([1, *range(1, FRAMES + 1)], samples, where).stdout
    return float(next(line for line in printed.splitlines() if line.startswith("seconds")).split()[1])


def process_seconds(samples: int, where: Cores) -> float:
    began = time.perf_counter()
    for frame in range(1, PROCESSES + 1):
        blender([frame], samples, where)
    return (time.perf_counter() - began) * FRAMES / PROCESSES


def compare(where: Cores, rounds: int, prefix: str) -> list[Figure]:
    """One stack and one node, and both references in turns with them."""
    figures = []
    with cores.served_on(where), farm() as stack:
        cores.move_node(stack.pid_of("node"), where)
        our_seconds(stack, "1-2", 1)  # Blender is warm, as in the loop
        for samples in SAMPLES:
            found = Rounds()
            for _ in range(rounds):
                found.ours.append(our_seconds(stack, f"1-{FRAMES}", samples))
                found.limit.append(loop_seconds(samples, where))
                found.processes.append(process_seconds(samples, where))
            figures += found.figures(samples, prefix)
    return figures


def measure(seed: int) -> Report:
    report = Report("frames", seed, compare(cores.apart(), ROUNDS, ""))
    report.figures += compare(cores.shared(), SHARED_ROUNDS, "shared_")
    return report
