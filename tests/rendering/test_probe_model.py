"""The range by probe frames: it finds what the model says, and is as wide as what was measured is unsure."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering import probing
from rendering.probe_model import MARGIN, seconds_per_frame
from rendering.probing import Planned, Shot

FRAMES = list(range(1, 101))
JOB = Planned(FRAMES, 256, 1920 * 1080)


def timed(job: Planned, *, fixed=1.0, per_sample=0.05, growth=0.0, start=0.0, adaptive_from=inf):
    """What a node would need: frames cost `growth` more each, the first shot `start` more, samples end at `adaptive_from`."""
    shots = probing.shots(job)
    return {
        shot: (1 + growth * (shot.frame - job.frames[0])) * (fixed + per_sample * min(shot.samples, adaptive_from))
        + start * (shot == shots[0])
        for shot in shots
    }


def truth(job: Planned, *, fixed=1.0, per_sample=0.05, growth=0.0) -> float:
    mean = 1 + growth * (sum(job.frames) / len(job.frames) - job.frames[0])
    return mean * (fixed + per_sample * job.samples)


@given(st.floats(0, 100), st.floats(0.0001, 10), st.integers(1, 4096), st.floats(0, 60), st.integers(1, 12))
def test_what_follows_the_line_is_found_whatever_the_start_took(fixed, per_sample, samples, start, count):
    job = Planned(FRAMES[:count], samples, 500_000)
    found = seconds_per_frame(timed(job, fixed=fixed, per_sample=per_sample, start=start), job)
    assert found.low < truth(job, fixed=fixed, per_sample=per_sample) < found.high


def test_equal_frames_on_the_line_give_the_least_margin():
    found = seconds_per_frame(timed(JOB), JOB)
    assert (found.low, found.high) == pytest.approx((truth(JOB) / (1 + MARGIN), truth(JOB) * (1 + MARGIN)))


def test_frames_that_grow_count_in_the_average():
    found = seconds_per_frame(timed(JOB, growth=0.02), JOB)
    assert (found.low * found.high) ** 0.5 == pytest.approx(truth(JOB, growth=0.02), rel=0.03)


def test_a_slow_quarter_makes_it_wider():
    slow = timed(JOB)
    slow[Shot(26, JOB.levels[1])] *= 2
    usual, wider = seconds_per_frame(timed(JOB), JOB), seconds_per_frame(slow, JOB)
    assert wider.high / wider.low > usual.high / usual.low


def test_times_beside_the_line_make_it_wider():
    noisy = timed(JOB)
    noisy[Shot(51, JOB.levels[2])] *= 1.6
    usual, wider = seconds_per_frame(timed(JOB), JOB), seconds_per_frame(noisy, JOB)
    assert wider.high / wider.low > usual.high / usual.low


def test_the_start_of_a_node_may_come_once_more_and_counts_at_the_upper_end_alone():
    usual, started = seconds_per_frame(timed(JOB), JOB), seconds_per_frame(timed(JOB, start=50.0), JOB)
    assert started.low == pytest.approx(usual.low)
    assert started.high == pytest.approx(usual.high + 0.5)


def test_adaptive_sampling_lowers_the_lower_end():
    job = Planned(FRAMES, 4096, 1920 * 1080, is_adaptive=True)
    bent = {shot: 1 + 0.01 * shot.samples**0.5 for shot in probing.shots(job)}
    straight = seconds_per_frame(bent, job._replace(is_adaptive=False))
    found = seconds_per_frame(bent, job)
    assert found.low < straight.low
    assert found.low < 1 + 0.01 * 4096**0.5 < found.high


@pytest.mark.parametrize(("pixels", "narrow"), [(9_216, True), (1920 * 1080, False)])
def test_where_pixels_stop_early_the_truth_is_inside_and_the_range_wide_if_that_was_not_seen(pixels, narrow):
    job = Planned(FRAMES, 160, pixels, is_adaptive=True)
    found = seconds_per_frame(timed(job, adaptive_from=70), job)
    assert found.low < 1 + 0.05 * 70 < found.high
    assert (found.high < 1.5 * found.low) == narrow


def test_larger_frames_than_a_probe_may_have_are_scaled_by_their_pixels():
    one, four = (seconds_per_frame(timed(JOB), JOB, pixel_ratio=ratio) for ratio in (1.0, 4.0))
    assert four.high == pytest.approx(4 * one.high)


def test_frames_that_took_no_time_cost_nothing():
    assert seconds_per_frame(dict.fromkeys(probing.shots(JOB), 0.0), JOB) == (0, 0)


@given(st.lists(st.floats(0, 1e5), min_size=8, max_size=8), st.booleans(), st.integers(1, 5_000))
def test_whatever_was_measured_gives_a_range(times, is_adaptive, samples):
    job = Planned(FRAMES, samples, 500_000, is_adaptive)
    found = seconds_per_frame(dict(zip(probing.shots(job), [*times, times[0]], strict=False)), job)
    assert 0 <= found.low <= found.high < inf
