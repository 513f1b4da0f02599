"""A frame from its tiles: laid together pixel by pixel without their overlap, then finished by Blender in the sandbox.

Blender denoises the whole, runs the file's compositor and writes the format that was ordered (docs/decisions/0030).
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import msgspec
import structlog
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from common.agent_words import agent_words
from pictor_agent.pixels import Decoded, Undecodable, decode
from pictor_agent.protocol import MergeOrder
from rendering import checks, frames, services
from rendering.choices import FILE_SUFFIX, ImageFormat
from rendering.errors import BadScene
from rendering.inspection import FETCH_SECONDS, GRACE_SECONDS, lay_out
from rendering.looks import Deadly, looking
from rendering.models import Job, Output
from rendering.mosaic import MergeFailed, lay_together
from rendering.reasons import Reason, words

log = structlog.get_logger(__name__)

MERGED_NAME = "pictor-merged-tiles.exr"
MERGE_SECONDS = 1_800.0  # inside Blender


def merge_tiles(job: Job, now: datetime) -> bool:
    """Put the frame of a job together from its accepted tiles and keep it; False when one is missing or it is kept already."""
    tiles = list(Output.objects.accepted_of(job.pk).select_related("attempt__task"))
    if not job.grid or len(tiles) != job.grid.count or not services.wants_merge(job, newest_of(tiles)):
        return False
    try:
        with looking("merge", newest_of(tiles)):
            merged = _merged(job, tiles)
    except (MergeFailed, Deadly, BadScene, Undecodable, OSError) as error:
        log.warning("merge_failed", job_id=job.pk, error=str(error))
        return services.note_failed_merge(job, newest_of(tiles), str(error) or "The frame could not be put together.", now)
    return services.keep_merged_frame(job, newest_of(tiles), merged, now)


def newest_of(tiles: Sequence[Output]) -> int:
    """The highest id of these files: another one, another frame."""
    return max(tile.pk for tile in tiles)


def _merged(job: Job, tiles: Sequence[Output]) -> dict:
    """The stored frame: fields of models.MergedFrame."""
    root = Path(settings.VAR_DIR) / "merging"
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root) as folder:
        scene, target = Path(folder) / "scene", Path(folder) / f"frame.{FILE_SUFFIX[ImageFormat(job.format)]}"
        scene.mkdir()
        lay_out(job.scene, scene)
        layers = _lay_together(job, tiles, scene / MERGED_NAME)
        (scene / MERGED_NAME).chmod(0o644)
        _finish(_order(job, tiles, layers), scene, target)
        return _stored(job, newest_of(tiles), target)


def _lay_together(job: Job, tiles: Sequence[Output], target: Path) -> dict[str, dict[str, str]]:
    with ExitStack() as copies:
        paths = {tile.attempt.task.tile: copies.enter_context(frames.local_copy(tile.storage_key)) for tile in tiles}
        return lay_together(job.grid, job.width, job.height, paths, target)


def _order(job: Job, tiles: Sequence[Output], layers: Mapping) -> MergeOrder:
    same = ("blender_version", "width", "height", "format", "depth_bits", "quality_percent", "denoise", "camera")
    return MergeOrder(
        main_path=job.scene.main_path,
        merged_path=MERGED_NAME,
        layers=layers,
        frame=tiles[0].attempt.task.frame,
        seconds_max=MERGE_SECONDS,
        **{name: getattr(job, name) for name in same},
    )


def _finish(order: MergeOrder, scene: Path, target: Path) -> None:
    """The agent's program does it in its sandbox, as a process of its own.

    Raises:
        MergeFailed: it refused, broke, or took too long.
    """
    try:
        done = subprocess.run(
            [sys.executable, *agent_words("merge"), "--out", str(target), str(scene)],
            input=msgspec.json.encode(order),
            capture_output=True,
            timeout=MERGE_SECONDS + GRACE_SECONDS + FETCH_SECONDS,
            cwd=settings.BASE_DIR,
            check=False,
        )
        said = json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired as error:
        raise MergeFailed("Putting the frame together took too long.") from error
    except (ValueError, IndexError) as error:
        log.error("merge_broke", stderr=done.stderr[-2_000:].decode(errors="replace"))
        raise MergeFailed(f"Putting the frame together ended with status {done.returncode}.") from error
    if "error" in said:
        reason = said["error"] if said["error"] in set(Reason) else Reason.AGENT_ERROR
        raise MergeFailed(f"{words(reason)} {said.get('detail', '')}".strip())


def _stored(job: Job, newest: int, path: Path) -> dict:
    decoded = _checked(job, path)
    key = f"frames/{job.pk}/0-{newest}{path.suffix}"  # no task has the number 0
    default_storage.delete(key)
    with path.open("rb") as file:
        key = default_storage.save(key, File(file))
    small = frames.small_pictures(key, decoded.pixels, frames.crc32_at(path))
    return {
        "storage_key": key,
        "pixels_sha256": decoded.sha256,
        "sha256": sha256_of(path),
        "size_bytes": path.stat().st_size,
        **small._asdict(),
    }


def _checked(job: Job, path: Path) -> Decoded:
    decoded = decode(path, pixels_max=job.width * job.height, image_format=job.format)
    wrong = checks.problem(decoded.pixels, width=job.width, height=job.height, image_format=job.format)
    if wrong in {Reason.WRONG_SIZE, Reason.WRONG_CHANNELS, Reason.NOT_FINITE}:
        raise MergeFailed(words(wrong))
    return decoded


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
