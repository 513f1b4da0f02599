"""Which frames are probed before submit, and how cheaply. PURE. What they say of the job: `rendering.probe_model`.

The middle frame is rendered at three numbers of samples; first and last frame and those at the quarters at the second of
them. A job of few frames is probed without the quarters, which would cost a good part of what they tell of. One node
renders them one after the other, as it will the job. Two neighbours are never the same frame: a frame that is rendered
again skips what every frame of the job pays for, geometry that moved and its search tree.
"""

from collections.abc import Sequence
from typing import NamedTuple

MODEL = 3  # probes for another model say nothing to this one
PIXELS_MAX = 8_294_400  # of a probe: 3840 x 2160; larger frames are probed smaller, and scaled by their pixels
SECONDS_MAX = 300.0  # a node stops a probe frame here: such a scene is too heavy to be probed
DIVISOR = 8  # of the samples of the job, for the most that a probe has
SAMPLES_MIN = 8  # where the job has as many: what fewer cost differs from what the further ones do
PIXEL_SAMPLES = 500_000  # light frames may have more, up to this: 0.2 to 3 seconds on the reference machine
WHOLE_PIXEL_SAMPLES = 2_000_000  # a frame that may stop early is also probed with all its samples, up to this
QUARTERS_FROM = 16  # frames of a job


class Shot(NamedTuple):
    """One probe frame."""

    frame: int
    samples: int


class Planned(NamedTuple):
    """The job that is probed. `pixels`: of a probe frame."""

    frames: Sequence[int]
    samples: int
    pixels: int
    is_adaptive: bool = False

    @property
    def spots(self) -> list[int]:
        """First frame, middle, last, and the quarters between where there are many; some are the same where there are few."""
        last, steps = len(self.frames) - 1, 4 if len(self.frames) >= QUARTERS_FROM else 2
        return [self.frames[round(step * last / steps)] for step in range(steps + 1)]

    @property
    def middle(self) -> int:
        return self.spots[len(self.spots) // 2]

    @property
    def levels(self) -> tuple[int, int, int]:
        """Few, more and most samples, ascending; of a job of one or two samples more than its own."""
        light = max(SAMPLES_MIN, self.samples // DIVISOR, PIXEL_SAMPLES // self.pixels)
        most = max(3, min(self.samples, light))
        return max(1, most // 4), max(2, most // 2), most

    @property
    def is_seen_whole(self) -> bool:
        """Where pixels may stop early, only all samples show when."""
        return self.is_adaptive and self.levels[2] < self.samples <= WHOLE_PIXEL_SAMPLES // self.pixels


def size_of(width: int, height: int) -> tuple[int, int]:
    """The size of a probe: that of the job, or as many pixels as a probe may have in its proportions."""
    shrink = min(1.0, (PIXELS_MAX / (width * height)) ** 0.5)
    return max(1, int(width * shrink)), max(1, int(height * shrink))


def shots(job: Planned) -> list[Shot]:
    """The probe frames of a job in the order in which they are rendered, each once. The first warms up its node."""
    few, more, most = job.levels
    first, *between, last = job.spots
    middle, quarters = job.middle, [Shot(frame, more) for frame in between if frame != job.middle]
    wanted = [
        Shot(last, few),
        Shot(middle, more),
        Shot(first, more),
        Shot(middle, most),
        *quarters[:1],
        Shot(last, more),
        Shot(middle, few),
        *quarters[1:],
    ]
    if job.is_seen_whole:
        wanted += [Shot(first, few)] * (not quarters) + [Shot(middle, job.samples)]
    return list(dict.fromkeys(wanted))
