"""What is found in a scene is told to its creator with what to do about it, worst first."""

import pytest

from rendering.findings import findings
from rendering.inspected import read_inspection

FINE = {
    "engine": "cycles",
    "cameras": ["Camera"],
    "camera": "Camera",
    "blender_version_saved": "5.0",
    "format": "PNG",
    "format_saved": "PNG",
    "frame_end": 10,
}


def said(**changes) -> list[str]:
    return [f"{finding.tone}: {finding.text}" for finding in findings(read_inspection(FINE | changes))]


class FindingTests:
    def test_a_scene_without_a_flaw_has_none(self):
        assert said() == []

    @pytest.mark.parametrize(
        ("code", "tone", "facts"),
        [
            ("missing_files", "bad", {"missing_files": ["wood.png"]}),
            ("outside_files", "bad", {"outside_files": ["C:\\wood.png"]}),
            ("no_camera", "bad", {"cameras": [], "camera": ""}),
            ("no_active_camera", "bad", {"camera": ""}),
            ("too_new", "bad", {"blender_version_saved": "9.1"}),
            ("too_large", "bad", {"width": 30_000}),
            ("simulations_unbaked", "warn", {"simulations_unbaked": ["Smoke"]}),
            ("nodes_unknown", "warn", {"nodes_unknown": ["Fancy"]}),
            ("scripts_blocked", "warn", {"script_names": ["rig.py"]}),
            ("drivers_blocked", "warn", {"drivers_blocked": 2}),
            ("older_main_version", "warn", {"blender_version_saved": "3.6"}),
            ("other_engine", "warn", {"engine": "POVRAY"}),
            ("old_eevee", "warn", {"engine": "eevee", "blender_version_saved": "4.1"}),
            ("empty_range", "warn", {"frame_start": 20}),
            ("stereo", "warn", {"stereo": True}),
            ("other_version", "info", {"blender_version_saved": "4.4"}),
            ("osl", "info", {"osl": True}),
            ("denoiser", "info", {"denoiser": "OPTIX"}),
            ("time_limit", "info", {"time_limit_seconds": 30.0}),
            ("memory", "info", {"memory_bytes_estimate": 20 << 30}),
            ("format", "info", {"format_saved": "FFMPEG"}),
            ("region", "info", {"region": True}),
            ("file_outputs", "info", {"file_output_nodes": 2}),
            ("view_layers", "info", {"view_layers": ["A", "B"]}),
        ],
    )
    def test_each_flaw_is_found_and_bad_ones_have_a_remedy(self, code, tone, facts):
        found = {finding.code: finding for finding in findings(read_inspection(FINE | facts))}
        assert found[code].tone == tone
        assert found[code].words.endswith(".")
        assert found[code].remedy or tone != "bad"

    def test_missing_files_are_named_with_the_remedy(self):
        [words] = said(missing_files=["textures/wood.png"])
        assert words.startswith("bad: 1 file is missing: textures/wood.png. Pack them")

    def test_a_long_list_is_cut(self):
        [words] = said(missing_files=[f"{number}.png" for number in range(8)])
        assert "8 files are missing" in words
        assert "and 3 more" in words

    def test_an_absolute_path_to_a_file_that_came_along_says_how_to_link_it(self):
        [words] = said(outside_files=["C:\\tex\\wood.png"], outside_found=["textures/wood.png"])
        assert "The upload holds textures/wood.png" in words
        assert "Make All Paths Relative" in words

    def test_a_baked_simulation_is_no_news(self):
        assert said(simulations=["Smoke"]) == []

    def test_cameras_bound_to_markers_are_active_ones(self):
        assert said(camera="", markers_bind_cameras=True) == []

    def test_eevee_of_a_new_file_is_no_news(self):
        assert said(engine="BLENDER_EEVEE_NEXT", blender_version_saved="4.5") == []

    def test_an_older_file_is_rendered_by_the_newer_release(self):
        [words] = said(blender_version_saved="4.1")
        assert words == "info: Saved by Blender 4.1; it will be rendered by 4.2.23."

    def test_layers_are_no_news_where_they_are_delivered(self):
        assert said(view_layers=["A", "B"], format="OPEN_EXR_MULTILAYER", format_saved="OPEN_EXR_MULTILAYER") == []

    def test_the_worst_comes_first(self):
        tones = [words.split(":")[0] for words in said(drivers_blocked=1, format_saved="FFMPEG", cameras=[])]
        assert tones == ["bad", "warn", "info"]
