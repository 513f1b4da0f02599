"""Reference seconds, price and time that a job will probably take: as ranges, with what they rest on."""

from datetime import datetime
from math import ceil, sqrt
from typing import NamedTuple

from django.db import connection

from rendering import pricing
from rendering.models import Job, ProbeFrame
from rendering.probed import newest_run, probed_seconds
from rendering.rates import Rate, rate_at
from rendering.splitting import BadFrames, parse_frames
from rendering.tiling import BadGrid, parse_grid
from rendering.wishes import requirements
from workers import census
from workers.matching import Requirements

FRAMES_LOOKED_AT = 200  # accepted ones of the scene, newest jobs first
JOBS_LOOKED_AT = 20

# From the scene to its jobs to their frames, and no further than enough: from the attempts, it would read those of everybody.
KNOWN = """
    SELECT attempt.billable_ms, attempt.score_milli, job.width, job.height, job.samples, job.tiles
    FROM (SELECT id, width, height, samples, tiles FROM rendering_job WHERE owner_id = %(owner)s AND scene_id = ANY(
              ARRAY(SELECT id FROM rendering_scene WHERE owner_id = %(owner)s AND scene_key = %(scene_key)s))
          ORDER BY id DESC LIMIT %(jobs)s) AS job
    CROSS JOIN LATERAL (SELECT id, attempt FROM rendering_task WHERE job_id = job.id AND status = 'accepted'
                        ORDER BY accepted_at DESC LIMIT %(frames)s) AS task
    JOIN rendering_attempt AS attempt ON attempt.task_id = task.id AND attempt.number = task.attempt AND attempt.billable_ms > 0
    LIMIT %(frames)s
"""
RESERVE_MARGIN_PERCENT = 125  # of the dearest frame so far


class Quote(NamedTuple):
    """What a job will probably cost and take. `basis` says in words what the range rests on."""

    low_micros: int
    high_micros: int
    low_seconds: float
    high_seconds: float
    basis: str
    frames: int = 0


def quote(job: Job, now: datetime, *, rate: Rate | None = None, probes: list[ProbeFrame] | None = None) -> Quote:
    """Price and time of all frames of the job as its settings stand; zeros while the frames cannot be read.

    Args:
        rate, probes: where they are known already.
    """
    frames, rate = _frame_count(job.frames), rate or rate_at(job.tier, now)
    seconds, basis = frame_seconds(job, probes)
    low_micros, high_micros = pricing.cost_range_micros(seconds, frames=frames, rate_micros=rate.rate_micros)
    tiles = tile_count(job)
    time = pricing.time_range_seconds(_shared(seconds, tiles), frames=frames * tiles, scores_milli=_speed_online(job))
    return Quote(low_micros, high_micros, time.low, time.high, basis, frames)


def frame_seconds(job: Job, probes: list[ProbeFrame] | None = None) -> tuple[pricing.Range, str]:
    """Reference seconds per frame, and the basis in words: a probe, else frames of the same scene, else what is usual."""
    probes = newest_run(job) if probes is None else probes
    probed = probed_seconds(job, probes)
    if probed:
        return probed, f"from {len(probes)} probe frames of this scene with these settings"
    known = _known_seconds(job)
    if known:
        return pricing.frame_seconds_known(known), f"from {len(known)} rendered frame{'s' * (len(known) > 1)} of this scene"
    guess = pricing.frame_seconds_guess(width=job.width, height=job.height, samples=job.samples)
    return guess, "from scenes of this size; the range narrows with the first frames"


def reserve_micros(job: Job, now: datetime) -> int:
    """What is kept ready for each task in work: a quarter above the dearest one so far, else the middle of the estimate."""
    if job.dearest_micros is not None:
        return max(1, job.dearest_micros * RESERVE_MARGIN_PERCENT // 100)
    seconds = _shared(frame_seconds(job)[0], tile_count(job))
    return max(1, ceil(sqrt(seconds.low * seconds.high) * rate_at(job.tier, now).rate_micros))


def _known_seconds(job: Job) -> list[float]:
    """Reference seconds of accepted frames of the same files by the same creator, scaled to this job's size and samples."""
    scene_key, limits = job.scene.scene_key, {"jobs": JOBS_LOOKED_AT, "frames": FRAMES_LOOKED_AT}
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, {"owner": job.owner_id, "scene_key": scene_key} | limits)
        rows = cursor.fetchall() if scene_key else []
    work = job.width * job.height * job.samples
    return [
        pricing.reference_ms(ms, score) / 1000 * work * count_of(tiles) / max(1, width * height * samples)
        for ms, score, width, height, samples, tiles in rows
    ]


def tile_count(job: Job) -> int:
    """Tasks of one frame; words that are still to be mended divide nothing."""
    return count_of(job.tiles)


def count_of(tiles: str) -> int:
    try:
        grid = parse_grid(tiles)
    except BadGrid:
        return 1
    return grid.count if grid else 1


def _shared(seconds: pricing.Range, tiles: int) -> pricing.Range:
    """Of one tile, as if all took the same."""
    return pricing.Range(seconds.low / tiles, seconds.high / tiles)


def _speed_online(job: Job) -> list[int]:
    """The scores of all slots that take work now and fit the job, in one sum; empty without any.

    Where all frames are to come from one class of devices, those of the class that most of them have.
    """
    by_class = census.speeds_milli(Requirements.from_json(requirements(job)), whose=job.owner_id)
    if job.one_device_class:
        by_class = {"": max(by_class.values(), key=len, default=[])}
    speed = sum(map(sum, by_class.values()))
    return [speed] if speed else []


def _frame_count(expression: str) -> int:
    try:
        return len(parse_frames(expression))
    except BadFrames:
        return 0
