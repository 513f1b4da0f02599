"""Frame expressions, as creators write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendering.splitting import FRAME_FIRST, FRAME_LAST, FRAMES_MAX, BadFrames, parse_frames


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
