"""Looking at what a node sent for its benchmark: was the work done, in a time that can be, and is the picture its own?"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, ClassVar

import msgspec

from pictor_agent import protocol, reference
from pictor_agent.challenge import Challenge
from workers import challenge_check, scoring
from workers.gpu_check import GpuRun
from workers.refusals import Refusal

if TYPE_CHECKING:
    import numpy as np  # where something is computed: 20 MB that a web process does without

COLOURS = 3  # channels
SECONDS_MAX = 900.0  # from the lease to the commitment


@dataclass(frozen=True)
class Verdict:
    """None refuses it: passed, with these facts."""

    refusal: Refusal | None = None
    canary_ms: int = 0
    challenge_ms: int = 0
    memory_bytes_per_second: int = 0
    disk_write_bytes_per_second: int = 0
    disk_read_bytes_per_second: int = 0
    gpu_bytes_per_second: int = 0  # kept with what the GPUs were asked

    FACTS: ClassVar = (
        "canary_ms", "challenge_ms", "memory_bytes_per_second", "disk_write_bytes_per_second", "disk_read_bytes_per_second",
    )  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What the server knows of a run itself."""

    challenge: Challenge
    root: bytes
    shown: Sequence[int]
    leased_at: datetime
    committed_at: datetime
    rendered_at: datetime
    claimed_seconds: float
    pixels_sha256: str
    gpus: GpuRun | None = None  # None: none was asked


def judge(run: Run, content: bytes, rng: Random, is_own: "Callable[[np.ndarray], bool]") -> Verdict:
    """`is_own`: is a picture what this run's seed gives? Asked last, for it costs the most."""
    took = (run.committed_at - run.leased_at).total_seconds()
    if refusal := challenge_check.time_refusal(run.challenge, took, seconds_max=SECONDS_MAX):
        return Verdict(refusal)
    try:
        file = msgspec.msgpack.decode(content, type=protocol.BenchmarkFile)
    except msgspec.MsgspecError:
        return Verdict(Refusal.MALFORMED)
    if refusal := challenge_check.refusal(run.challenge, run.root, run.shown, file.opening, rng):
        return Verdict(refusal)
    if run.gpus and (refusal := run.gpus.refusal(file.gpu_openings)):
        return Verdict(refusal)
    picture = read_picture(file.canary, run.pixels_sha256)
    if picture is None:
        return Verdict(Refusal.PICTURE)
    if not is_own(picture):
        return Verdict(Refusal.NOT_RENDERED)
    seen = (run.rendered_at - run.committed_at).total_seconds()
    return Verdict(
        canary_ms=scoring.canary_ms(run.claimed_seconds, seen),
        challenge_ms=round(min(file.challenge_seconds, took) * 1000),
        memory_bytes_per_second=file.memory_bytes_per_second,
        disk_write_bytes_per_second=file.disk_write_bytes_per_second,
        disk_read_bytes_per_second=file.disk_read_bytes_per_second,
        gpu_bytes_per_second=run.gpus.bytes_per_second if run.gpus else 0,
    )


def read_picture(content: bytes, pixels_sha256: str) -> "np.ndarray | None":
    """A picture of the canary's size with these pixels, which are not all alike."""
    from pictor_agent import pixels  # its libraries are slow to load, and few processes need them

    with tempfile.TemporaryDirectory(prefix="pictor-canary-") as folder:
        path = Path(folder) / "canary.exr"
        path.write_bytes(content)
        try:
            decoded = pixels.decode(path, pixels_max=reference.WIDTH * reference.HEIGHT, image_format="OPEN_EXR")
        except pixels.Undecodable:
            return None
    right_size = decoded.pixels.shape[:2] == (reference.HEIGHT, reference.WIDTH) and decoded.pixels.shape[2] >= COLOURS
    good = right_size and decoded.sha256 == pixels_sha256 and decoded.pixels.min() != decoded.pixels.max()
    return decoded.pixels if good else None
