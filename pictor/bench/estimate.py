"""`make bench WHAT=estimate`: jobs of generated scenes; does the final price lie in the range that the probe gave before?

The same probes and the same model as in the product, in one warm Blender, without the queue in between: the price is
seconds times a rate, so the seconds decide. BENCH_QUICK=1 takes three scenes.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from pictor.bench.report import Figure, Report
from rendering import probing
from rendering.pricing import Range

SCENES = 3 if os.environ.get("BENCH_QUICK") else 20
MAKER = Path(__file__).with_name("estimate_scenes.py")
LOOP = Path(__file__).with_name("estimate_loop.py")


class Outcome(NamedTuple):
    """One job: what was said before, what it took, both in seconds of all frames."""

    words: str
    said: Range
    took: float

    @property
    def is_inside(self) -> bool:
        return self.said.low <= self.took <= self.said.high

    @property
    def width_percent(self) -> float:
        """Half of the range, of its middle."""
        return 100 * (self.said.high - self.said.low) / (self.said.high + self.said.low)


def make_scenes(folder: Path, seed: int) -> list[dict]:
    command = [os.environ["BLENDER_PYTHON"], "-I", str(MAKER), str(folder), str(seed), str(SCENES)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


def outcome(scene: dict) -> Outcome:
    """Probe, then render the whole job, in one warm Blender."""
    frames, samples = list(range(1, scene["frames"] + 1)), scene["samples"]
    shots = probing.shots(frames, samples)
    whole = [probing.Shot(frame, samples) for frame in frames]
    took = render(scene, [*shots, *whole])
    probed = dict(zip(shots, took, strict=False))
    each = probing.seconds_per_frame(probed, frames=frames, samples=samples)
    return Outcome(scene["words"], Range(each.low * len(frames), each.high * len(frames)), sum(took[len(shots) :]))


def render(scene: dict, shots: list[probing.Shot]) -> list[float]:
    """Seconds of each."""
    words = [f"{shot.frame}:{shot.samples}" for shot in shots]
    size = [str(scene["width"]), str(scene["height"])]
    command = [os.environ["BLENDER_PYTHON"], str(LOOP), scene["file"], *size, *words]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(line.split()[1]) for line in printed.splitlines() if line.startswith("seconds")]


def measure(seed: int) -> Report:
    report = Report("estimate", seed)
    with tempfile.TemporaryDirectory(prefix="pictor-estimate-") as folder:
        found = [outcome(scene) for scene in make_scenes(Path(folder), seed)]
    for each in found:
        print(
            f"{'inside' if each.is_inside else 'OUTSIDE'}: {each.said.low:.1f}-{each.said.high:.1f} s, {each.took:.1f} s; {each.words}"
        )
    inside = 100 * sum(each.is_inside for each in found) / len(found)
    report.figures = [
        Figure("inside", "%", [inside]),
        Figure("half_width", "%", [each.width_percent for each in found]),
    ]
    return report
