"""Decoding of files that come from anybody: the format that was ordered, within the memory of its size."""

import struct
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest
from PIL import Image

from pictor_agent.pixels import Undecodable, read_pixels

SIZE = {"pixels_max": 32 * 18}


def exr(path: Path, channels: int) -> Path:
    spec = oiio.ImageSpec(32, 18, channels, "half")
    output = oiio.ImageOutput.create(str(path))
    output.open(str(path), spec)
    output.write_image(np.random.default_rng(1).random((18, 32, channels), dtype=np.float32))
    output.close()
    return path


def attribute(name: str, kind: str, value: bytes) -> bytes:
    return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value


def tiled_exr(side: int) -> bytes:
    """A few hundred bytes: a picture of 32 x 18 in one tile of `side` x `side`."""
    channels = b"".join(name + b"\0" + struct.pack("<iIii", 2, 0, 1, 1) for name in (b"B", b"G", b"R")) + b"\0"
    window = struct.pack("<4i", 0, 0, 31, 17)
    head = struct.pack("<II", 20000630, 0x202)
    head += attribute("channels", "chlist", channels) + attribute("compression", "compression", b"\3")
    head += attribute("dataWindow", "box2i", window) + attribute("displayWindow", "box2i", window)
    head += attribute("lineOrder", "lineOrder", b"\0") + attribute("pixelAspectRatio", "float", struct.pack("<f", 1))
    head += attribute("screenWindowCenter", "v2f", bytes(8)) + attribute("screenWindowWidth", "float", struct.pack("<f", 1))
    head += attribute("tiles", "tiledesc", struct.pack("<IIB", side, side, 0)) + b"\0"
    return head + struct.pack("<Qiiiii", len(head) + 8, 0, 0, 0, 0, 100) + bytes(100)


class ReadPixelsTests:
    def test_what_blender_writes_is_read(self, tmp_path):
        assert read_pixels(exr(tmp_path / "a.exr", 4), image_format="OPEN_EXR", **SIZE).shape == (18, 32, 4)

    def test_channels_by_the_dozen_are_refused_before_decoding(self, tmp_path):
        with pytest.raises(Undecodable, match="64 channels"):
            read_pixels(exr(tmp_path / "a.exr", 64), **SIZE)

    def test_a_tile_larger_than_its_picture_is_not_allocated(self, tmp_path):
        bomb = tmp_path / "a.exr"
        bomb.write_bytes(tiled_exr(64))
        with pytest.raises(Undecodable, match="tiles"):
            read_pixels(bomb, **SIZE)

    @pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM"])
    def test_no_other_decoder_is_reached_by_any_name(self, tmp_path, kind):
        disguised = tmp_path / "a.png"
        Image.fromarray(np.zeros((18, 32, 3), np.uint8)).save(disguised, kind)
        with pytest.raises(Undecodable, match="format"):
            read_pixels(disguised, **SIZE)

    def test_another_format_than_ordered_is_refused(self, tmp_path):
        with pytest.raises(Undecodable, match="PNG"):
            read_pixels(exr(tmp_path / "a.exr", 4).rename(tmp_path / "a.png"), image_format="PNG", **SIZE)
