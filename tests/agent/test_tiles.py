"""Tiles of one frame, really rendered and merged: the same pixels as in one piece, whatever follows Cycles."""

import numpy as np
import pytest

from pictor_agent import pixels
from tests.agent.conftest import run_in_blender
from tests.agent.tiles import HEIGHT, WIDTH, in_tiles, part, whole

pytestmark = [pytest.mark.blender, pytest.mark.xdist_group("blender"), pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Scenes with a denoiser, adaptive sampling, passes, two layers and a compositor."""
    made = tmp_path_factory.mktemp("tiled")
    made.chmod(0o755)
    run_in_blender("make_tiled.py", made)
    for path in made.iterdir():
        path.chmod(0o644)
    return made


@pytest.mark.parametrize(
    ("main", "fields"),
    [
        ("plain.blend", {"denoise": False}),
        ("plain.blend", {"denoise": True}),
        ("plain.blend", {"denoise": True, "format": "OPEN_EXR", "depth_bits": 32}),
        ("adaptive.blend", {"denoise": None}),
        ("layers.blend", {"denoise": None}),
        ("layers.blend", {"denoise": False, "format": "OPEN_EXR_MULTILAYER", "depth_bits": 32}),
        ("layers.blend", {"denoise": True, "format": "OPEN_EXR_MULTILAYER", "depth_bits": 32}),
    ],
)
async def test_merged_tiles_are_the_whole_frame_to_the_bit(runner, folder, tmp_path, main, fields):
    spec = whole(main, **fields)
    in_one = await runner.render(spec, folder, tmp_path / "whole")
    merged = await in_tiles(runner, folder, spec, tmp_path)
    expected = pixels.decode(in_one.path, pixels_max=WIDTH * HEIGHT, image_format=spec.format)
    assert merged.channels == expected.channels
    assert np.array_equal(merged.pixels, expected.pixels)
    assert merged.sha256 == in_one.result.pixels_sha256


async def test_a_warm_blender_renders_whole_frames_after_a_tile(runner, folder, tmp_path):
    spec = whole("layers.blend", denoise=True)
    before = await runner.render(spec, folder, tmp_path / "before")
    await runner.render(part(spec, 3), folder, tmp_path / "tile")
    after = await runner.render(spec, folder, tmp_path / "after")
    assert before.result.pixels_sha256 == after.result.pixels_sha256
