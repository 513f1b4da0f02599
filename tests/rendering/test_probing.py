"""Which frames are probed, and that the extrapolation finds what the model says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering import probing
from rendering.probing import Shot

FRAMES = list(range(1, 101))


def timed(frames, samples, *, fixed=1.0, per_sample=0.05, factors=(1.0, 1.0, 1.0), start=0.0):
    """What a node would need for the shots: the first one pays `start` on top."""
    factor = {frames[-1]: factors[2], frames[0]: factors[0], frames[len(frames) // 2]: factors[1]}
    shots = probing.shots(frames, samples)
    return {shot: factor[shot.frame] * (fixed + per_sample * shot.samples) + start * (shot == shots[0]) for shot in shots}


class ShotsTests:
    def test_first_middle_and_last_frame_the_middle_one_first(self):
        shots = probing.shots(FRAMES, 256)
        assert [shot.frame for shot in shots] == [51, 51, 51, 1, 100]
        assert [shot.samples for shot in shots] == [8, 32, 16, 8, 8]

    @given(st.lists(st.integers(-99, 99), min_size=1, max_size=9, unique=True).map(sorted), st.integers(1, 70_000))
    def test_they_are_few_cheap_and_each_once(self, frames, samples):
        shots = probing.shots(frames, samples)
        assert len(shots) == len(set(shots)) <= 5
        assert all(1 <= shot.samples <= max(3, samples // 8) for shot in shots)

    def test_a_single_still_is_one_frame(self):
        assert {shot.frame for shot in probing.shots([7], 64)} == {7}

    @given(st.integers(4, 16_384), st.integers(4, 8_192))
    def test_a_probe_is_never_larger_than_a_4k_frame(self, width, height):
        small = probing.size_of(width, height)
        assert small[0] * small[1] <= probing.PIXELS_MAX
        assert small[0] <= width


class ExtrapolationTests:
    @given(st.floats(0, 100), st.floats(0.0001, 10), st.integers(1, 4096), st.floats(0, 60))
    def test_what_follows_the_model_is_found_whatever_the_start_took(self, fixed, per_sample, samples, start):
        found = probing.seconds_per_frame(
            timed(FRAMES, samples, fixed=fixed, per_sample=per_sample, start=start), frames=FRAMES, samples=samples
        )
        assert found.low < fixed + per_sample * samples < found.high

    def test_equal_frames_give_a_range_of_fifteen_per_cent(self):
        found = probing.seconds_per_frame(timed(FRAMES, 128), frames=FRAMES, samples=128)
        assert found.high / (1 + 0.05 * 128) == pytest.approx(1.15)

    def test_frames_that_differ_make_it_wider_and_count_in_the_mean(self):
        equal = probing.seconds_per_frame(timed(FRAMES, 128), frames=FRAMES, samples=128)
        rising = probing.seconds_per_frame(timed(FRAMES, 128, factors=(0.5, 1.0, 1.5)), frames=FRAMES, samples=128)
        assert rising.high / rising.low > equal.high / equal.low
        assert rising.low < 1 + 0.05 * 128 < rising.high

    def test_larger_frames_than_a_probe_may_have_are_scaled_by_their_pixels(self):
        one = probing.seconds_per_frame(timed(FRAMES, 128), frames=FRAMES, samples=128)
        four = probing.seconds_per_frame(timed(FRAMES, 128), frames=FRAMES, samples=128, pixel_ratio=4.0)
        assert four.high == pytest.approx(4 * one.high)

    def test_frames_that_took_no_time_cost_nothing(self):
        nothing = dict.fromkeys(probing.shots(FRAMES, 64), 0.0)
        assert probing.seconds_per_frame(nothing, frames=FRAMES, samples=64) == (0, 0)

    def test_noise_never_makes_a_sample_cheaper_than_nothing(self):
        seconds = timed([7], 64) | {Shot(7, 8): 0.1}
        assert probing.seconds_per_frame(seconds, frames=[7], samples=64).low >= 0
