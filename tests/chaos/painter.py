"""What stands in for Blender on the nodes of this story: each frame is a small valid picture that no other frame equals."""

import asyncio
import hashlib
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

from pictor_agent import protocol
from pictor_agent.engines import blender_versions
from pictor_agent.pixels import pixels_sha256
from pictor_agent.runner import Rendered

VERSIONS = [version.exact for version in blender_versions.ALL]


def paint(spec: protocol.RenderSpec) -> np.ndarray:
    """The pixels that every honest node gives for this frame."""
    return np.random.default_rng([spec.seed, spec.frame]).integers(0, 256, (spec.height, spec.width, 3), dtype=np.uint8)


def png(pixels: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def result_of(pixels: np.ndarray, content: bytes, seconds: float) -> protocol.RenderResult:
    return protocol.RenderResult(
        file_sha256=hashlib.sha256(content).hexdigest(),
        pixels_sha256=pixels_sha256(pixels),
        size_bytes=len(content),
        width=pixels.shape[1],
        height=pixels.shape[0],
        render_seconds=seconds,
    )


class Painter:
    """A pictor_agent.runner.Runner without a Blender: a frame takes `seconds` and no processor."""

    environments = SimpleNamespace(offered=lambda: VERSIONS)
    sandbox = SimpleNamespace(isolation="bubblewrap")

    def __init__(self, seconds: float):
        self.seconds = seconds

    async def shoot(self, spec, scene: Path, target: Path, on_progress=None, log=None) -> Rendered:
        await asyncio.sleep(self.seconds)
        pixels = paint(spec)
        content = png(pixels)
        await asyncio.to_thread(target.write_bytes, content)
        return Rendered(target, result_of(pixels, content, self.seconds), "", "CPU")

    async def describe(self, shot: Rendered) -> Rendered:
        return shot

    def has_open(self, scene_key: str) -> bool:
        return False
