"""Presets change what they say and leave the rest as in the file."""

import pytest

from rendering import presets

FILE = {
    "width": 1920, "height": 1080, "percentage": 50, "samples": 512, "format": "OPEN_EXR", "depth_bits": "",
    "quality_percent": "", "denoise": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "percentage", "samples"), [("file", 50, 512), ("preview", 25, 32), ("draft", 50, 128), ("final", 100, 512)]
)
def test_size_and_samples_follow_the_preset(name, percentage, samples):
    values = presets.applied(presets.find(name), FILE)
    assert (values["percentage"], values["samples"]) == (percentage, samples)
    assert (values["width"], values["format"]) == (1920, "OPEN_EXR")


def test_a_scene_of_one_sample_keeps_it():
    assert presets.applied(presets.find("preview"), FILE | {"samples": 1})["samples"] == 1


def test_an_unknown_preset_is_none():
    assert presets.find("ultra") is None
