"""`make bench WHAT=estimate`: jobs of generated scenes; does the final price lie in the range that the probe gave before?

The same probes, the same model and the same warm Blender in its box as in the product, without the queue in between: the
price is seconds times a rate, so the seconds decide. BENCH_QUICK=1 takes three scenes.
"""

import asyncio
import json
import os
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pictor.bench.report import Figure, Report
from pictor_agent import sandbox
from pictor_agent.environments import make_environments
from pictor_agent.protocol import RenderSpec
from pictor_agent.runner import Runner
from rendering import probing
from rendering.pricing import Range

SCENES = 3 if os.environ.get("BENCH_QUICK") else 20
MAKER = Path(__file__).with_name("estimate_scenes.py")
VERSION = "5.0.1"


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


async def outcomes(folder: Path, facts: Iterable[dict]) -> list[Outcome]:
    runner = Runner(make_environments([os.environ["BLENDER_PYTHON"]]), sandbox.find_sandbox())
    try:
        return [await outcome(runner, folder, number, scene) for number, scene in enumerate(facts)]
    finally:
        await runner.close()


async def outcome(runner: Runner, folder: Path, number: int, scene: dict) -> Outcome:
    """Probe, then render the whole job."""
    frames, samples = list(range(1, scene["frames"] + 1)), scene["samples"]
    shots = probing.shots(frames, samples)
    seconds = {shot: await render(runner, folder, number, scene, shot) for shot in shots}
    each = probing.seconds_per_frame(seconds, frames=frames, samples=samples)
    took = sum([await render(runner, folder, number, scene, probing.Shot(frame, samples)) for frame in frames])
    return Outcome(scene["words"], Range(each.low * len(frames), each.high * len(frames)), took)


async def render(runner: Runner, folder: Path, number: int, scene: dict, shot: probing.Shot) -> float:
    spec = RenderSpec(
        engine="cycles",
        blender_version=VERSION,
        scene_key=f"{number:064x}",
        main_path=f"{number}.blend",
        files=[],
        frame=shot.frame,
        seed=1,
        width=scene["width"],
        height=scene["height"],
        samples=shot.samples,
        format="PNG",
    )
    rendered = await runner.render(spec, folder, folder / "frame.png")
    return rendered.result.render_seconds


def measure(seed: int) -> Report:
    report = Report("estimate", seed)
    with tempfile.TemporaryDirectory(prefix="pictor-estimate-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        facts = make_scenes(folder, seed)
        for path in folder.iterdir():
            path.chmod(0o644)
        found = asyncio.run(outcomes(folder, facts))
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
