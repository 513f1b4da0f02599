"""Which frames are probed, how cheaply, and in which order."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering import probing
from rendering.probing import Planned, Shot

FRAMES = list(range(1, 101))
HD = 1920 * 1080
frame_lists = st.lists(st.integers(-99, 99), min_size=1, max_size=9, unique=True).map(sorted)


def test_five_frames_at_few_samples_and_the_middle_one_at_three_numbers_of_them():
    shots = probing.shots(Planned(FRAMES, 256, HD))
    assert sorted({shot.frame for shot in shots}) == [1, 26, 51, 75, 100]
    assert sorted(shot.samples for shot in shots if shot.frame == 51) == [8, 16, 32]


def test_a_job_of_few_frames_is_probed_without_the_quarters():
    shots = probing.shots(Planned(FRAMES[:8], 256, HD))
    assert sorted({shot.frame for shot in shots}) == [1, 5, 8]
    assert sorted(shot.samples for shot in shots if shot.frame == 5) == [8, 16, 32]


@pytest.mark.parametrize("count", [3, 8, 15, 16, 100])
@pytest.mark.parametrize(("samples", "pixels"), [(256, HD), (160, 9_216)])
def test_what_is_believed_never_follows_a_shot_of_the_same_frame(count, samples, pixels):
    shots = probing.shots(Planned(FRAMES[:count], samples, pixels, is_adaptive=True))
    assert all(before.frame != after.frame for before, after in pairwise(shots))


@given(frame_lists, st.integers(1, 70_000), st.integers(1, probing.PIXELS_MAX))
def test_they_are_few_each_once_and_have_no_more_samples_than_the_job(frames, samples, pixels):
    shots = probing.shots(Planned(frames, samples, pixels))
    assert len(shots) == len(set(shots)) <= 8
    assert all(1 <= shot.samples <= max(3, samples) for shot in shots)


@given(st.integers(64, 70_000))
def test_all_together_are_cheaper_than_one_frame_of_a_large_job(samples):
    assert sum(shot.samples for shot in probing.shots(Planned(FRAMES, samples, HD))) <= samples


def test_a_light_frame_that_may_stop_early_is_also_rendered_with_all_its_samples():
    assert probing.shots(Planned(FRAMES, 160, 9_216, is_adaptive=True))[-1] == Shot(51, 160)
    assert Shot(51, 160) not in probing.shots(Planned(FRAMES, 160, HD, is_adaptive=True))


def test_a_still_is_warmed_up_with_and_then_measured_twice():
    assert probing.shots(Planned([7], 64, HD)) == [Shot(7, 2), Shot(7, 4), Shot(7, 8)]


@pytest.mark.parametrize(("samples", "pixels", "most"), [(12, 230_400, 8), (12, 9_216, 12), (4096, HD, 512), (1, HD, 3)])
def test_light_frames_are_probed_nearly_whole_and_heavy_ones_at_an_eighth(samples, pixels, most):
    assert Planned(FRAMES, samples, pixels).levels[2] == most


@given(st.integers(4, 16_384), st.integers(4, 8_192))
def test_a_probe_is_never_larger_than_a_4k_frame(width, height):
    small = probing.size_of(width, height)
    assert small[0] * small[1] <= probing.PIXELS_MAX
    assert small[0] <= width
