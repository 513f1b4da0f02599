"""What the probe frames of a job say: how far they are, and the seconds of an average frame."""

import hashlib
from typing import NamedTuple

from rendering import probe_model, probing
from rendering.models import Job, ProbeFrame
from rendering.pricing import Range
from rendering.splitting import parse_frames
from rendering.states import ProbeStatus

OPEN = (ProbeStatus.WAITING, ProbeStatus.RENDERING)
PROBES_MAX = 9  # of one run


class Progress(NamedTuple):
    """How far the probe of a job is."""

    frames: int = 0
    done: int = 0
    failed: int = 0
    is_open: bool = False

    @property
    def percent(self) -> int:
        return 100 * self.done // self.frames if self.frames else 0


def fingerprint(job: Job) -> str:
    """Of all that decides what a frame costs: other settings need another probe."""
    facts = (probing.MODEL, job.scene.scene_key, job.engine, job.blender_version, job.camera, job.frames, job.width, job.height)
    words = repr((*facts, job.samples, job.denoise, job.device))
    return hashlib.sha256(words.encode()).hexdigest()


def planned(job: Job) -> probing.Planned:
    """What its probe is about."""
    width, height = probing.size_of(job.width, job.height)
    is_adaptive = job.engine == "cycles" and bool(job.scene.inspection.get("adaptive_sampling"))
    return probing.Planned(parse_frames(job.frames), job.samples, width * height, is_adaptive)


def newest_run(job: Job) -> list[ProbeFrame]:
    """The probe frames that speak for the job as its settings stand; empty when there are none or they were given up."""
    found = list(job.probe_frames.filter(fingerprint=fingerprint(job)).order_by("-run", "id")[:PROBES_MAX])
    newest = [probe for probe in found if probe.run == found[0].run]
    return newest if all(probe.status != ProbeStatus.CANCELLED for probe in newest) else []


def progress_of(probes: list[ProbeFrame]) -> Progress:
    """Of one run."""
    done = sum(probe.status == ProbeStatus.DONE for probe in probes)
    failed = sum(probe.status == ProbeStatus.FAILED for probe in probes)
    return Progress(len(probes), done, failed, any(probe.status in OPEN for probe in probes))


def probed_seconds(job: Job, probes: list[ProbeFrame]) -> Range | None:
    """Reference seconds per frame by the newest run of a probe; None before all of it is done."""
    if not probes or any(probe.reference_ms is None for probe in probes):
        return None
    seconds = {probing.Shot(probe.frame, probe.samples): probe.reference_ms / 1000 for probe in probes}
    plan = planned(job)
    return probe_model.seconds_per_frame(seconds, plan, pixel_ratio=job.width * job.height / plan.pixels)
