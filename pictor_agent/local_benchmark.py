"""`pictor-agent benchmark`: what the network measures a node by, here and now, without a server."""

import asyncio
import hashlib
import os
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pictor_agent import gpu_challenge, protocol, reference
from pictor_agent.abilities import best_device
from pictor_agent.environments import NoBlender
from pictor_agent.gpus import find_gpus
from pictor_agent.local import make_runner, readable_scene
from pictor_agent.measuring import Measuring
from pictor_agent.runner import RunFailed
from pictor_agent.sandbox import SandboxUnavailable

SCENES = (
    Path(__file__).parents[1] / "scenes" / "carousel.blend",
    Path(sys.prefix) / "share" / "pictor-agent" / "carousel.blend",
)
SHOWN = 16


def benchmark(arguments) -> int:
    """Print a table; the status is 1 when the machine cannot be measured."""
    scene = Path(arguments.scene) if arguments.scene else next(filter(Path.is_file, SCENES), None)
    if scene is None or not scene.is_file():
        print("pictor-agent: the canary scene is not here; name it with --scene", file=sys.stderr)
        return 1
    try:
        for label, value in asyncio.run(_measure(arguments, scene)):
            print(f"{label:<34}{value:>16}")
    except (RunFailed, SandboxUnavailable, NoBlender, OSError) as error:
        print(f"pictor-agent: {error}", file=sys.stderr)
        return 1
    return 0


async def _measure(arguments, scene: Path) -> list[tuple[str, str]]:
    runner = make_runner(arguments, arguments.memory_bytes)
    with tempfile.TemporaryDirectory(prefix="pictor-benchmark-", dir=arguments.folder) as spare:
        folder = readable_scene(_alone(scene, Path(spare)), Path(spare), runner.sandbox)
        await runner.environments.find(reference.CANARY_VERSION)
        device = await best_device(runner.environments, runner.sandbox)
        gpus = [] if device == "CPU" else find_gpus().inventory()
        order = _order(scene, "cpu" if device == "CPU" else "gpu", gpus)
        target = Path(spare) / "measured"
        try:
            result = await Measuring(runner, order, folder, target).run(Asking(order).commit)
        finally:
            await runner.close()
        file = msgspec.msgpack.decode(target.read_bytes(), type=protocol.BenchmarkFile)
    return rows(order, result, file)


def _alone(scene: Path, spare: Path) -> Path:
    """A folder with nothing but the scene."""
    folder = spare / "scene"
    folder.mkdir(mode=0o755)
    (folder / scene.name).write_bytes(scene.read_bytes())
    return folder


def _order(scene: Path, kind: str, gpus: list[protocol.GpuInfo]) -> protocol.BenchmarkSpec:
    canary = protocol.RenderSpec(
        engine="cycles",
        blender_version=reference.CANARY_VERSION,
        scene_key=hashlib.sha256(scene.read_bytes()).hexdigest(),
        main_path=scene.name,
        files=[],
        frame=reference.FRAME,
        seed=0,
        width=reference.WIDTH,
        height=reference.HEIGHT,
        samples=reference.SAMPLES[kind],
        format="OPEN_EXR",
        denoise=False,
    )
    return protocol.BenchmarkSpec(
        seed=os.urandom(32),
        side=reference.SIDE,
        blocks=reference.BLOCKS,
        disk_bytes=reference.DISK_BYTES,
        canary=canary,
        gpus=[protocol.GpuOrder(width=reference.GPU_WIDTH, layers=reference.gpu_layers(gpu.vram_bytes)) for gpu in gpus],
    )


@dataclass
class Asking:
    """What the server would ask."""

    order: protocol.BenchmarkSpec

    async def commit(self, root: bytes, part: protocol.Part) -> protocol.Show:
        match part:
            case "gpus_ready":
                return _show(part=part, gpu_seed=os.urandom(32))
            case "gpus":
                sizes = [gpu.width * gpu.layers for gpu in self.order.gpus]
                return _show(part=part, gpu_blocks=[random.sample(range(size), SHOWN) for size in sizes])
            case "gpus_shown":
                return _show(part=part)
        blocks = sorted(random.sample(range(1, reference.BLOCKS), SHOWN))
        return _show(blocks=blocks, seed=random.randrange(2**31))


def _show(**said) -> protocol.Show:
    return protocol.Show(work_id=0, attempt=0, **said)


def rows(order: protocol.BenchmarkSpec, result: protocol.RenderResult, file: protocol.BenchmarkFile) -> list[tuple[str, str]]:
    score = reference.score_milli(order.canary.samples, round(result.render_seconds * 1000))
    return [
        (f"Canary frame, {order.canary.samples} samples on {result.device or 'CPU'}", f"{result.render_seconds:.1f} s"),
        *_gpu_row(order, file),
        ("Challenge, one core", f"{file.challenge_seconds:.1f} s"),
        ("Memory", _rate(file.memory_bytes_per_second)),
        ("Disk, written", _rate(file.disk_write_bytes_per_second)),
        ("Disk, read", _rate(file.disk_read_bytes_per_second)),
        ("Score", f"{score / 1000:.2f} × reference"),
    ]


def _gpu_row(order: protocol.BenchmarkSpec, file: protocol.BenchmarkFile) -> list[tuple[str, str]]:
    if not order.gpus:
        return []
    gib = sum(gpu.width * gpu.layers for gpu in order.gpus) * gpu_challenge.BLOCK_BYTES / (1 << 30)
    return [(f"Memory of {_gpus(len(order.gpus))}, {gib:.1f} GiB", f"{file.gpu_seconds:.1f} s")]


def _gpus(count: int) -> str:
    return "1 GPU" if count == 1 else f"{count} GPUs"


def _rate(bytes_per_second: int) -> str:
    return f"{bytes_per_second / 1e9:.2f} GB/s" if bytes_per_second else "not measured"
