"""Frame expressions, as creators write them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering.choices import RenderOrder
from rendering.splitting import (
    FRAME_FIRST,
    FRAME_LAST,
    FRAMES_MAX,
    BadFrames,
    in_render_order,
    parse_frames,
    preview_frames,
    sort_numbers,
)


class ParseFramesTests:
    @pytest.mark.parametrize(
        ("expression", "frames"),
        [
            ("7", [7]),
            ("1-5", [1, 2, 3, 4, 5]),
            ("1-10x3", [1, 4, 7, 10]),
            ("1-10X3", [1, 4, 7, 10]),
            ("1-9:4", [1, 5, 9]),
            ("9, 3,7", [3, 7, 9]),
            (" 1 - 3 , 2-4 ", [1, 2, 3, 4]),
            ("1–3; 8", [1, 2, 3, 8]),
            ("-3--1", [-3, -2, -1]),
            ("-1-1", [-1, 0, 1]),
            ("5-5", [5]),
            ("1-3,", [1, 2, 3]),
            ("1-2x100", [1]),
        ],
    )
    def test_frames_are_read_ascending_and_once(self, expression, frames):
        assert parse_frames(expression) == frames

    @pytest.mark.parametrize(
        ("expression", "words"),
        [
            ("", "at least one frame"),
            (" , ", "at least one frame"),
            ("one", "not a frame or a range"),
            ("1-", "not a frame or a range"),
            ("1-2-3", "not a frame or a range"),
            ("7x2", "not a frame or a range"),
            ("1.5", "not a frame or a range"),
            ("9-1", "backwards. Write 1-9"),
            ("1-9x0", "must be 1 or more"),
            ("1-9999999", "Blender knows the frames"),
            (f"1-{FRAMES_MAX + 1}", "at most 10,000"),
            ("1-6000, 10001-16000", "at most 10,000"),
            ("1," * 300, "at most 500 characters"),
            ("٣", "not a frame or a range"),
        ],
    )
    def test_a_refusal_says_what_to_write(self, expression, words):
        with pytest.raises(BadFrames, match=words):
            parse_frames(expression)

    def test_the_limit_itself_is_allowed(self):
        assert len(parse_frames(f"1-{FRAMES_MAX}")) == FRAMES_MAX

    @given(st.text(max_size=60))
    def test_whatever_is_written_gives_frames_or_a_refusal(self, expression):
        try:
            frames = parse_frames(expression)
        except BadFrames:
            return
        assert frames == sorted(set(frames))
        assert FRAME_FIRST <= frames[0] <= frames[-1] <= FRAME_LAST


FRAME_LISTS = st.lists(st.integers(-1000, 1000), min_size=1, max_size=200, unique=True).map(sorted)


class RenderOrderTests:
    @given(FRAME_LISTS, st.sampled_from(RenderOrder.values), st.integers(2, 50), st.sampled_from([0, 2, 7]))
    def test_every_frame_has_one_place_whatever_the_order(self, frames, order, step, preview_step):
        numbers = sort_numbers(frames, order, step=step, preview_step=preview_step)
        assert set(numbers) == set(frames)
        assert sorted(numbers.values()) == list(range(len(frames)))

    def test_every_nth_comes_before_the_rest(self):
        assert in_render_order(range(1, 11), RenderOrder.NTH, 4) == [1, 5, 9, 2, 3, 4, 6, 7, 8, 10]

    def test_bisecting_shows_both_ends_then_the_middles(self):
        assert in_render_order(range(1, 10), RenderOrder.BISECT) == [1, 9, 5, 3, 7, 2, 4, 6, 8]

    @given(FRAME_LISTS)
    def test_bisecting_never_leaves_a_gap_twice_as_wide_as_another(self, frames):
        order = in_render_order(range(len(frames)), RenderOrder.BISECT)
        for done in range(2, len(order)):
            shown = sorted(order[:done])
            gaps = [after - before for before, after in pairwise(shown)]
            assert max(gaps) <= 2 * min(gaps) + 1

    @given(FRAME_LISTS, st.sampled_from(RenderOrder.values))
    def test_the_preview_comes_first_of_all(self, frames, order):
        numbers = sort_numbers(frames, order, step=3, preview_step=5)
        chosen = preview_frames(frames, 5)
        assert {numbers[frame] for frame in chosen} == set(range(len(chosen)))
