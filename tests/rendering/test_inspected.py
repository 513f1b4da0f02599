"""What the sandbox says is checked before it is believed."""

import msgspec
import pytest

from rendering.inspected import Inspection, read_inspection
from rendering.inspection import InspectionFailed, read_answer
from rendering.reasons import Reason

FINE = {"engine": "cycles", "cameras": ["Camera"], "blender_version_saved": "5.0", "format": "PNG", "format_saved": "PNG"}


class InspectionTests:
    def test_the_percentage_is_applied(self):
        found = Inspection(width=1920, height=1081, percentage=50)
        assert (found.final_width, found.final_height) == (960, 540)

    def test_the_range_is_written_as_an_expression(self):
        assert Inspection(frame_start=1, frame_end=24).frames == "1-24"
        assert Inspection(frame_start=1, frame_end=24, frame_step=2).frames == "1-24x2"
        assert Inspection(frame_start=7, frame_end=7).frames == "7"
        assert Inspection(frame_start=9, frame_end=3).frames == "9"

    @pytest.mark.parametrize(
        "lie",
        [
            {"width": -1},
            {"width": "wide"},
            {"cameras": ["x" * 2000]},
            {"cameras": ["x"] * 2000},
            {"fps": float("nan")},
            {"samples": 2**40},
        ],
    )
    def test_an_answer_out_of_bounds_is_not_believed(self, lie):
        with pytest.raises(msgspec.ValidationError):
            read_inspection(FINE | lie)


class ReadAnswerTests:
    def test_a_refusal_keeps_its_reason(self):
        with pytest.raises(InspectionFailed, match="not a blend") as failure:
            read_answer(b'noise\n{"error": "scene_unreadable", "detail": "not a blend"}')
        assert failure.value.reason is Reason.SCENE_UNREADABLE

    @pytest.mark.parametrize("answer", [b"", b"{", b"[]", b'"x"', b'{"error": {}}', b'{"width": 0}', b"{}" * 2_000_000])
    def test_nonsense_is_the_platforms_fault(self, answer):
        with pytest.raises(InspectionFailed) as failure:
            read_answer(answer)
        assert failure.value.reason is Reason.INSPECTION_FAILED
