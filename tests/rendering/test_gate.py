"""The preview gate: when it is closed, and when its preview is done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering import gate
from rendering.splitting import preview_frames


@given(st.integers(1, 500), st.integers(2, 600))
def test_the_count_is_that_of_the_frames_chosen(frames, step):
    assert gate.preview_count(frames, step) == len(preview_frames(range(frames), step))


@pytest.mark.parametrize(
    ("step", "is_approved", "frames", "closed"),
    [(0, False, 9, False), (3, False, 9, True), (3, True, 9, False), (2, False, 1, False), (50, False, 9, True)],
)
def test_it_is_closed_while_frames_wait_behind_it(step, is_approved, frames, closed):
    assert gate.is_closed(step=step, is_approved=is_approved, frames=frames) == closed


@pytest.mark.parametrize(
    ("counts", "reached"),
    [
        ({"waiting": 9}, False),
        ({"waiting": 6, "rendering": 1, "accepted": 2}, False),
        ({"waiting": 6, "checking": 1, "accepted": 2}, False),
        ({"waiting": 6, "accepted": 3}, True),
        ({"waiting": 6, "accepted": 2, "failed": 1}, True),
        ({"waiting": 7, "accepted": 2}, False),
    ],
)
def test_it_is_reached_when_the_rest_alone_is_left(counts, reached):
    assert gate.is_reached(counts, step=3, frames=9) == reached
