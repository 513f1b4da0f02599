"""Decoding of files that come from anybody: the format that was ordered, within the memory of its size."""

import struct
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest
from PIL import Image

from pictor_agent.pixels import Undecodable, decode, pixels_sha256, read_pixels

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

    def test_a_damaged_file_is_refused_whatever_the_decoder_quotes_of_it(self, tmp_path):
        damaged = exr(tmp_path / "a.exr", 4)
        damaged.write_bytes(damaged.read_bytes().replace(b"chlist", b"chl\xfft"))
        with pytest.raises(Undecodable, match="chl\N{REPLACEMENT CHARACTER}t"):
            read_pixels(damaged, **SIZE)

    @pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM"])
    def test_no_other_decoder_is_reached_by_any_name(self, tmp_path, kind):
        disguised = tmp_path / "a.png"
        Image.fromarray(np.zeros((18, 32, 3), np.uint8)).save(disguised, kind)
        with pytest.raises(Undecodable, match="format"):
            read_pixels(disguised, **SIZE)

    def test_another_format_than_ordered_is_refused(self, tmp_path):
        with pytest.raises(Undecodable, match="PNG"):
            read_pixels(exr(tmp_path / "a.exr", 4).rename(tmp_path / "a.png"), image_format="PNG", **SIZE)


def layered_exr(path: Path, parts: list[list[str]], *, change: float = 0.0) -> Path:
    """A multilayer EXR with these channels in each part; the last channel of the last part is changed by `change`."""
    specs = [oiio.ImageSpec(32, 18, len(names), "float") for names in parts]
    for number, (spec, names) in enumerate(zip(specs, parts, strict=True)):
        spec.channelnames = names
        spec.attribute("name", f"part{number}")
    output = oiio.ImageOutput.create(str(path))
    output.open(str(path), tuple(specs) if len(specs) > 1 else specs[0])
    for number, names in enumerate(parts):
        if number:
            output.open(str(path), specs[number], "AppendSubimage")
        samples = np.random.default_rng(number).random((18, 32, len(names)), dtype=np.float32)
        samples[-1, -1, -1] += change if number == len(parts) - 1 else 0
        output.write_image(samples)
    output.close()
    return path


def rgba(layer: str) -> list[str]:
    return [f"{layer}.Combined.{channel}" for channel in "RGBA"]


LAYERED = {"image_format": "OPEN_EXR_MULTILAYER", **SIZE}


class LayerTests:
    def test_the_composite_is_the_picture_else_the_first_combined_pass(self, tmp_path):
        channels = [*rgba("A"), *rgba("Composite"), "A.Depth.Z"]
        picture = decode(layered_exr(tmp_path / "a.exr", [channels]), **LAYERED).pixels
        samples = np.random.default_rng(0).random((18, 32, 9), dtype=np.float32)
        assert np.array_equal(picture, samples[:, :, 4:8])

    def test_layers_may_come_as_parts(self, tmp_path):
        picture = decode(layered_exr(tmp_path / "a.exr", [["A.Depth.Z"], rgba("A")]), **LAYERED).pixels
        assert np.array_equal(picture, np.random.default_rng(1).random((18, 32, 4), dtype=np.float32))

    @pytest.mark.parametrize("parts", [[[*rgba("A"), "A.Depth.Z"]], [rgba("A"), ["A.Depth.Z"]]])
    def test_one_sample_of_the_last_pass_changes_the_hash(self, tmp_path, parts):
        honest, changed = (decode(layered_exr(tmp_path / "a.exr", parts, change=by), **LAYERED) for by in (0.0, 0.25))
        assert honest.sha256 != changed.sha256
        assert np.array_equal(honest.pixels[:, :, :3], changed.pixels[:, :, :3])

    def test_an_image_of_one_part_has_the_hash_of_its_array(self, tmp_path):
        found = decode(exr(tmp_path / "a.exr", 4), **SIZE)
        assert found.sha256 == pixels_sha256(found.pixels)

    def test_parts_are_refused_where_one_picture_was_ordered(self, tmp_path):
        with pytest.raises(Undecodable, match="2 parts"):
            decode(layered_exr(tmp_path / "a.exr", [rgba("A"), ["A.Depth.Z"]]), image_format="OPEN_EXR", **SIZE)

    def test_a_thousand_combined_channels_do_not_become_a_picture(self, tmp_path):
        names = [f"A.Combined.{number:04d}" for number in range(900)]
        assert decode(layered_exr(tmp_path / "a.exr", [names]), **LAYERED).pixels.shape == (18, 32, 8)
