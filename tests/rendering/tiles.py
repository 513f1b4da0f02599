"""A node that renders tiles: regions of one known picture, as the multilayer EXR that Blender writes."""

import hashlib
import tempfile
from datetime import timedelta
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from pictor_agent import pixels, protocol
from rendering.models import Job, Task
from tests.builders import NOW, check, feed, lease_of, report

WIDTH, HEIGHT = 40, 24


def whole_picture() -> np.ndarray:
    return np.random.default_rng(7).random((HEIGHT, WIDTH, 4), dtype=np.float32)


def exr_bytes(picture: np.ndarray, channels: str = "RGBA") -> bytes:
    height, width, _ = picture.shape
    spec = oiio.ImageSpec(width, height, len(channels), "float")
    spec.channelnames = [f"ViewLayer.Combined.{channel}" for channel in channels]
    with tempfile.NamedTemporaryFile(suffix=".exr") as file:
        out = oiio.ImageOutput.create(file.name)
        out.open(file.name, spec)
        out.write_image(np.ascontiguousarray(picture[:, :, : len(channels)]))
        out.close()
        return Path(file.name).read_bytes()


def deliver_tile(task: Task, content: bytes | None = None, *, seconds: float = 2.0) -> None:
    """The node that holds the tile renders it, sends the file and reports; then it is checked."""
    task.refresh_from_db()
    box = task.job.grid.ordered(task.tile, WIDTH, HEIGHT)
    part = whole_picture()[box.top : box.top + box.height, box.left : box.left + box.width]
    content = content or exr_bytes(part)
    lease, result = lease_of(task), result_of(content, seconds)
    report(lease, protocol.Started)
    report(lease, protocol.Rendered, result=result, now=NOW + timedelta(seconds=3))
    key = f"frames/{task.job_id}/{task.pk}-{lease.attempt}.exr"
    default_storage.delete(key)
    default_storage.save(key, ContentFile(content))
    report(lease, protocol.Done, result=result, now=NOW + timedelta(seconds=4))
    check(task)


def result_of(content: bytes, seconds: float) -> protocol.RenderResult:
    with tempfile.NamedTemporaryFile(suffix=".exr") as file:
        Path(file.name).write_bytes(content)
        decoded = pixels.decode(Path(file.name), pixels_max=WIDTH * HEIGHT, image_format="OPEN_EXR_MULTILAYER")
    return protocol.RenderResult(
        file_sha256=hashlib.sha256(content).hexdigest(),
        pixels_sha256=decoded.sha256,
        size_bytes=len(content),
        width=decoded.pixels.shape[1],
        height=decoded.pixels.shape[0],
        render_seconds=seconds,
    )


def finish_tiles(job: Job) -> None:
    """Every tile that still waits is rendered and accepted."""
    while feed():
        for task in job.tasks.filter(status="rendering"):
            deliver_tile(task)
