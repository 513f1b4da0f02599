"""Which frames are probed before submit, how cheaply, and what the job will take by them. PURE.

The middle frame is rendered at three small numbers of samples, the first and the last frame at the smallest. A straight
line through the two larger ones of the middle frame gives what a frame costs whatever its samples (geometry, textures,
denoising) and what a sample costs; the smallest is rendered first, pays for the start of Blender on its node, and is not
believed. First and last frame count in their proportion to the middle one. Cycles stops early where a picture is clean
(adaptive sampling), so a straight line says rather too much than too little.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rendering.pricing import Range

DIVISORS = (32, 16, 8)  # of the samples of the job
PIXELS_MAX = 8_294_400  # of a probe: 3840 x 2160; larger frames are probed smaller, and scaled by their pixels
SECONDS_MAX = 300.0  # a node stops a probe frame here: such a scene is too heavy to be probed
MARGIN = 0.15  # each way, for equal frames
SPREAD_SHARE = 0.15  # more of it, for the difference between the frames


class Shot(NamedTuple):
    """One probe frame."""

    frame: int
    samples: int


def samples_of(samples: int) -> tuple[int, int, int]:
    """Few, more and most samples of a probe, ascending; of a job of few samples perhaps more than its own."""
    few = max(1, samples // DIVISORS[0])
    more = max(few + 1, samples // DIVISORS[1])
    return few, more, max(more + 1, samples // DIVISORS[2])


def size_of(width: int, height: int) -> tuple[int, int]:
    """The size of a probe: that of the job, or as many pixels as a probe may have in its proportions."""
    shrink = min(1.0, (PIXELS_MAX / (width * height)) ** 0.5)
    return max(1, int(width * shrink)), max(1, int(height * shrink))


def shots(frames: Sequence[int], samples: int) -> list[Shot]:
    """The probe frames of a job in the order in which they are rendered, each once."""
    few, more, most = samples_of(samples)
    first, middle, last = frames[0], frames[len(frames) // 2], frames[-1]
    wanted = [Shot(middle, few), Shot(middle, most), Shot(middle, more), Shot(first, few), Shot(last, few)]
    return list(dict.fromkeys(wanted))


def seconds_per_frame(seconds: Mapping[Shot, float], *, frames: Sequence[int], samples: int, pixel_ratio: float = 1.0) -> Range:
    """Reference seconds of an average frame of the job at its own samples.

    Args:
        seconds: reference seconds of every shot of `shots(frames, samples)`.
        pixel_ratio: pixels of a frame to those of its probe.
    """
    few, more, most = samples_of(samples)
    first, middle, last = frames[0], frames[len(frames) // 2], frames[-1]
    per_sample = max(0.0, seconds[Shot(middle, most)] - seconds[Shot(middle, more)]) / (most - more)
    fixed = max(0.0, seconds[Shot(middle, most)] - per_sample * most)
    whole, small = fixed + per_sample * samples, fixed + per_sample * few
    ratios = [_ratio(seconds, Shot(frame, few), small) for frame in (first, last) if frame != middle] or [1.0]
    mean = (sum(ratios) / len(ratios) + 1) / 2
    spread = max([*ratios, 1.0]) - min([*ratios, 1.0])
    margin = MARGIN + SPREAD_SHARE * spread
    return Range(whole * mean * pixel_ratio / (1 + margin), whole * mean * pixel_ratio * (1 + margin))


def _ratio(seconds: Mapping[Shot, float], shot: Shot, middle_seconds: float) -> float:
    """How much longer than the middle frame this one takes."""
    return seconds[shot] / middle_seconds if middle_seconds > 0 else 1.0
