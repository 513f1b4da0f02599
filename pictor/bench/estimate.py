"""`make bench WHAT=estimate`: jobs of generated scenes; does the final price lie in the range that the probe gave before?

The same probe frames, model and renderer as in the product, in one warm Blender per job, without the queue in between: the
price is seconds times a rate, so the seconds decide. Beside the seconds by the clock, which a node is paid for, the same
question by processor time: what a node would say on which nothing else runs. BENCH_QUICK=1 takes three scenes.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from pictor.bench.report import Figure, Report
from rendering import probe_model, probing
from rendering.pricing import Range

SCENES = 3 if os.environ.get("BENCH_QUICK") else 10
SCENE_SECONDS_MAX = 300.0
MAKER = Path(__file__).with_name("estimate_scenes.py")
LOOP = Path(__file__).with_name("estimate_loop.py")


class Outcome(NamedTuple):
    """One job: what was said before, what it took, what the probe took; seconds of all frames."""

    said: Range
    took: float
    probe: float

    @property
    def is_inside(self) -> bool:
        return self.said.low <= self.took <= self.said.high

    @property
    def half_width(self) -> float:
        """Half of the range, in percent of its middle."""
        return 100 * (self.said.high - self.said.low) / (self.said.high + self.said.low)

    def __str__(self) -> str:
        verdict = "inside " if self.is_inside else "OUTSIDE"
        return f"{verdict} {self.said.low:6.2f}-{self.said.high:6.2f} s, {self.took:6.2f} s, probe {self.probe:5.2f} s"


def make_scenes(folder: Path, seed: int) -> list[dict]:
    command = [os.environ["BLENDER_PYTHON"], "-I", str(MAKER), str(folder), str(seed), str(SCENES)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


def outcomes(scene: dict) -> tuple[Outcome, Outcome]:
    """Probe, then render the whole job, in one warm Blender: by the clock, and by processor time."""
    pixels = scene["width"] * scene["height"]
    job = probing.Planned(scene["frames"], scene["samples"], pixels, scene["is_adaptive"])
    shots = probing.shots(job)
    took = render(scene, shots + [probing.Shot(frame, job.samples) for frame in job.frames])
    clock, processor = zip(*took, strict=True)
    return outcome(job, shots, clock), outcome(job, shots, processor)


def outcome(job: probing.Planned, shots: list[probing.Shot], took: tuple[float, ...]) -> Outcome:
    probed, whole = dict(zip(shots, took, strict=False)), took[len(shots) :]
    each, frames = probe_model.seconds_per_frame(probed, job), len(job.frames)
    return Outcome(Range(each.low * frames, each.high * frames), sum(whole), sum(probed.values()))


def render(scene: dict, shots: list[probing.Shot]) -> list[tuple[float, float]]:
    """Seconds of each, by the clock and of processor time."""
    words = [f"{shot.frame}:{shot.samples}" for shot in shots]
    size = [str(scene["width"]), str(scene["height"])]
    command = [os.environ["BLENDER_PYTHON"], str(LOOP), scene["file"], *size, *words]
    run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SCENE_SECONDS_MAX)
    rows = [line.split() for line in run.stdout.splitlines() if line.startswith("seconds ")]
    return [(float(clock), float(processor)) for _, clock, processor in rows]


def measure(seed: int) -> Report:
    clock, processor = [], []
    with tempfile.TemporaryDirectory(prefix="pictor-estimate-") as folder:
        for scene in make_scenes(Path(folder), seed):
            by_clock, by_processor = outcomes(scene)
            clock.append(by_clock)
            processor.append(by_processor)
            print(f"{scene['words']}\n  clock      {by_clock}\n  processor  {by_processor}", flush=True)
    return Report("estimate", seed, figures(clock, "") + figures(processor, "_by_processor_time"))


def figures(found: list[Outcome], suffix: str) -> list[Figure]:
    return [
        Figure(f"inside{suffix}", "%", [100 * sum(each.is_inside for each in found) / len(found)]),
        Figure(f"half_width{suffix}", "%", [each.half_width for each in found]),
        Figure(f"probe_of_job{suffix}", "%", [100 * each.probe / each.took for each in found]),
    ]
