"""Ranges for a running job: wide while little is known, narrower with every frame, never closer than is honest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering.forecast import MARGIN_LEAST, MARGIN_MOST, Timing, margin, micros_in_the_end, seconds_left


class MarginTests:
    def test_one_frame_says_little(self):
        assert margin(Timing(1, 4.0, 0.0, 400), 47) > margin(Timing(20, 4.0, 0.4, 400), 28)

    def test_equal_frames_are_no_certainty(self):
        assert margin(Timing(40, 4.0, 0.0, 400), 8) == MARGIN_LEAST

    @given(st.integers(0, 9999), st.floats(0, 1e6), st.floats(0, 1e6), st.integers(0, 9999))
    def test_it_stays_within_its_limits(self, frames, mean, deviation, left):
        assert MARGIN_LEAST <= margin(Timing(frames, mean, deviation, 1), left) <= MARGIN_MOST


class SecondsLeftTests:
    @pytest.mark.parametrize(("frames", "left", "nodes"), [(0, 10, 3), (5, 10, 0), (5, 0, 3)])
    def test_nothing_is_said_without_frames_nodes_or_work(self, frames, left, nodes):
        assert seconds_left(Timing(frames, 4.0, 0.1, 1), frames_left=left, nodes=nodes) is None

    def test_the_last_round_counts_whole(self):
        one = seconds_left(Timing(9, 4.0, 0.0, 1), frames_left=4, nodes=3)
        assert one.low < 8.0 < one.high

    def test_more_nodes_are_sooner(self):
        timing = Timing(9, 4.0, 0.3, 1)
        assert seconds_left(timing, frames_left=30, nodes=6).high < seconds_left(timing, frames_left=30, nodes=2).low


class MicrosTests:
    def test_the_end_is_what_is_charged_and_the_rest(self):
        found = micros_in_the_end(Timing(10, 4.0, 0.0, 400.0), charged_micros=4_000, frames_left=10)
        assert found.low < 8_000 < found.high

    def test_nothing_left_is_exact(self):
        assert tuple(vars(micros_in_the_end(Timing(10, 4.0, 1.0, 400.0), charged_micros=4_000, frames_left=0)).values()) == (
            4_000,
            4_000,
        )

    def test_nothing_is_said_before_the_first_charge(self):
        assert micros_in_the_end(Timing(), charged_micros=0, frames_left=10) is None
