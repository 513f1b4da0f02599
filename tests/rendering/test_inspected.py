"""What the sandbox says is checked, and told to the creator in words."""

import msgspec
import pytest

from rendering.inspected import Inspection, read_inspection, warnings
from rendering.inspection import InspectionFailed, read_answer
from rendering.reasons import Reason

FINE = {"engine": "cycles", "cameras": ["Camera"], "blender_version_saved": "5.0", "format": "PNG", "format_saved": "PNG"}


def said(**changes) -> list[str]:
    return [f"{warning.tone}: {warning.words}" for warning in warnings(read_inspection(FINE | changes))]


class WarningTests:
    def test_a_scene_without_a_flaw_has_none(self):
        assert said() == []

    def test_missing_files_are_named_with_the_remedy(self):
        [words] = said(missing_files=["textures/wood.png"])
        assert words.startswith("bad: 1 file is missing: textures/wood.png. Pack them")

    def test_a_long_list_is_cut(self):
        [words] = said(missing_files=[f"{number}.png" for number in range(8)])
        assert "8 files are missing" in words
        assert "and 3 more" in words

    def test_scripts_and_drivers_are_explained(self):
        script, driver = said(scripts_blocked=True, script_names=["rig.py"], drivers_blocked=2)
        assert "rig.py" in script
        assert "2 drivers use Python" in driver

    def test_no_camera_keeps_it_from_rendering(self):
        assert said(cameras=[])[0].startswith("bad: The scene has no camera")

    def test_another_engine_is_said_before_money_is_spent(self):
        [words] = said(engine="BLENDER_EEVEE_NEXT")
        assert "EEVEE" in words
        assert "Cycles will be used" in words

    def test_a_newer_file_than_any_node_can_open(self):
        assert said(blender_version_saved="9.1")[0].startswith("bad: The file was saved by Blender 9.1")

    def test_an_older_file_is_rendered_by_the_newer_release(self):
        [words] = said(blender_version_saved="4.1")
        assert "will be rendered by" in words

    def test_the_worst_comes_first(self):
        tones = [words.split(":")[0] for words in said(drivers_blocked=1, format_saved="FFMPEG", cameras=[])]
        assert tones == ["bad", "warn", "info"]


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
