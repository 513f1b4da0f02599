"""Tiles laid together: the very pixels of the whole, upside down, a strip at a time."""

from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from rendering import mosaic
from rendering.tiling import Grid
from tests.rendering.tiles import exr_bytes

GRID, WIDTH, HEIGHT = Grid(2, 2), 40, 2 * mosaic.STRIP_ROWS + 75  # tiles of more than one strip, the last one short


def test_a_frame_of_many_strips_is_whole(tmp_path: Path):
    whole = np.random.default_rng(3).random((HEIGHT, WIDTH, 4), dtype=np.float32)
    paths = {}
    for number in GRID.numbers():
        box = GRID.ordered(number, WIDTH, HEIGHT)
        paths[number] = tmp_path / f"{number}.exr"
        paths[number].write_bytes(exr_bytes(whole[box.top : box.top + box.height, box.left : box.left + box.width]))
    layers = mosaic.lay_together(GRID, WIDTH, HEIGHT, paths, tmp_path / "whole.exr")
    image = oiio.ImageInput.open(str(tmp_path / "whole.exr"))
    names, merged = image.spec().channelnames, image.read_image("float")
    image.close()
    order = [names.index(f"ViewLayer.Combined.{channel}") for channel in "RGBA"]
    assert layers == {"ViewLayer": {"Combined": "RGBA"}}
    assert np.array_equal(merged.reshape(HEIGHT, WIDTH, -1)[::-1, :, order], whole)
