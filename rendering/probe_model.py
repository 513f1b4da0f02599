"""What the probe frames of `rendering.probing` say of the whole job: reference seconds of an average frame, as a range. PURE.

Middle frame, by least squares over its shots:  t(n) = fixed + n * per_sample
At the samples S of the job:                    whole = fixed + S * per_sample
Another frame f, probed at m samples:           factor = t_f / t(m)
  all of it differs (geometry):                 whole * factor
  only its samples differ (light, distance):    fixed + S * per_sample * (t_f - fixed) / (t(m) - fixed)
The truth lies between the two; their mean is taken. Frames between those probed: straight lines (trapezoid rule).

The range is `average / (1 + margin)` to `average * (1 + margin)`, where the margin is the larger of what nodes always
differ by (MARGIN) and twice the worst residual of the line, plus half of what the two readings of the factors differ by,
plus what the quarters changed of the picture that first, middle and last frame alone give, or UNSEEN where there were none.
The first shot pays for the start of its node and is not believed; what it took too long may come once more, to the upper end.

Cycles stops early where a picture is clean (adaptive sampling), from some 32 samples on at the earliest. Of such a job the
middle frame is also rendered with all its samples where it is light, and that is its whole. Where it is not, the straight
line is the upper reading; the lower one lets the slope go on falling as it fell between the shots, with each doubling,
or, where they had too few samples to show it, ends where stopping may begin. That range is wide, and says so.
"""

from collections.abc import Mapping
from math import sqrt
from statistics import linear_regression
from typing import NamedTuple

from rendering.pricing import Range
from rendering.probing import Planned, Shot, shots

MARGIN = 0.18  # each way: seconds of nodes are by the clock, and other programs run there
MARGIN_MAX = 4.0
UNSEEN = 0.04  # what the quarters of a job of few frames may have changed
WEIGHTS = {3: (0.25, 0.5, 0.25), 5: (0.125, 0.25, 0.25, 0.25, 0.125)}  # trapezoid rule over so many spots
ADAPTIVE_FROM = 32  # samples; below, nothing stops early

Seconds = Mapping[Shot, float]


class Line(NamedTuple):
    """What the middle frame takes at a number of samples. `residual`: the worst, of what was measured."""

    fixed: float
    per_sample: float
    residual: float = 0.0

    def at(self, samples: float) -> float:
        return self.fixed + samples * self.per_sample


def seconds_per_frame(seconds: Seconds, job: Planned, *, pixel_ratio: float = 1.0) -> Range:
    """Reference seconds of an average frame of the job at its own samples.

    Args:
        seconds: reference seconds of every shot of `shots(job)`.
        pixel_ratio: pixels of a frame to those of its probe.
    """
    line = middle_line(seconds, job)
    if line.at(job.levels[1]) <= 0:
        return Range(0.0, 0.0)
    least, most = wholes(seconds, job, line)
    by_all, by_samples = (_average(factors) for factors in readings(seconds, job, line, sqrt(least * most)))
    average = (by_all + by_samples) / 2
    spread = abs(by_all - by_samples) / (2 * average) + _bend(seconds, job) + sqrt(most / least) - 1
    margin = min(MARGIN_MAX, max(MARGIN, 2 * line.residual) + spread)
    start = start_seconds(seconds, job, line) / len(job.frames)
    return Range(pixel_ratio * average / (1 + margin), pixel_ratio * (average * (1 + margin) + start))


def middle_line(seconds: Seconds, job: Planned) -> Line:
    """The line through the shots of the middle frame but the one that warmed up; neither part is less than nothing."""
    warm_up, middle = shots(job)[0], job.middle
    believed = [Shot(middle, samples) for samples in job.levels if Shot(middle, samples) != warm_up]
    known = {shot.samples: seconds[shot] for shot in believed if shot in seconds}
    per_sample, fixed = linear_regression(list(known), list(known.values()))
    if fixed < 0:
        fixed, per_sample = 0.0, sum(known.values()) / sum(known)
    if per_sample < 0:
        fixed, per_sample = sum(known.values()) / len(known), 0.0
    line = Line(fixed, per_sample)
    return line._replace(residual=max(abs(took / (line.at(n) or 1) - 1) for n, took in known.items()))


def wholes(seconds: Seconds, job: Planned, line: Line) -> tuple[float, float]:
    """What the middle frame takes at the samples of the job, at least and at most."""
    if job.is_seen_whole:
        return (seconds[Shot(job.middle, job.samples)],) * 2
    straight, most = line.at(job.samples), job.levels[2]
    if not job.is_adaptive or job.samples <= max(ADAPTIVE_FROM, most):
        return straight, straight
    if most <= 2 * ADAPTIVE_FROM:
        return line.at(max(ADAPTIVE_FROM, most)), straight
    return _bent(seconds, job, line)


def _bent(seconds: Seconds, job: Planned, line: Line) -> tuple[float, float]:
    """As `wholes`, by the three shots of the middle frame; the line where their slope does not fall."""
    few, more, most = job.levels
    took = [seconds.get(Shot(job.middle, samples), 0.0) for samples in (few, more, most)]
    early, late = (took[1] - took[0]) / (more - few), (took[2] - took[1]) / (most - more)
    if not 0 < late < early:
        return line.at(job.samples), line.at(job.samples)
    lower = took[2] + _falling(late, late / early, most, job.samples)
    return lower, took[2] + late * (job.samples - most)


def _falling(slope: float, bend: float, samples: int, until: int) -> float:
    """Seconds of the samples from `samples` to `until` where each doubling costs `bend` times as much a sample."""
    total = 0.0
    while samples < until:
        slope *= bend
        total += slope * (min(2 * samples, until) - samples)
        samples *= 2
    return total


def readings(seconds: Seconds, job: Planned, line: Line, whole: float) -> tuple[list[float], list[float]]:
    """What the frame of each spot takes at the samples of the job: if all of it differs, and if only its samples do."""
    more = job.levels[1]
    middle, fixed = line.at(more), line.fixed
    took = [seconds[Shot(frame, more)] for frame in job.spots]
    by_all = [whole * each / middle for each in took]
    if middle <= fixed:
        return by_all, by_all
    sampling = (whole - fixed) / (middle - fixed)
    return by_all, [fixed + max(0.0, each - fixed) * sampling for each in took]


def start_seconds(seconds: Seconds, job: Planned, line: Line) -> float:
    """How much longer the first frame of a node takes than the same frame later on."""
    warm_up, more = shots(job)[0], job.levels[1]
    usual = line.at(warm_up.samples) * seconds[Shot(warm_up.frame, more)] / line.at(more)
    return max(0.0, seconds[warm_up] - usual)


def _bend(seconds: Seconds, job: Planned) -> float:
    """How far the average over five spots is from that over three."""
    if len(job.spots) == 3:
        return UNSEEN if len(job.frames) > 3 else 0.0
    took = [seconds[Shot(frame, job.levels[1])] for frame in job.spots]
    fine, coarse = _average(took), _average(took[::2])
    return abs(fine - coarse) / fine if fine else 0.0


def _average(values: list[float]) -> float:
    """Over the spots, between which frames change in straight lines."""
    return sum(value * weight for value, weight in zip(values, WEIGHTS[len(values)], strict=True))
