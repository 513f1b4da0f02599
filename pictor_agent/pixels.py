"""The hash of decoded pixels, computed alike on node and server: file bytes differ from run to run, pixels do not.

A multilayer EXR has its layers and passes as channels of one part (Blender until 4.5) or as parts (5.0). All of them are
hashed; the picture for people is the composite, else the combined pass of the first layer.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

EXR = b"\x76\x2f\x31\x01"
HEADS = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff", "OPEN_EXR": EXR, "OPEN_EXR_MULTILAYER": EXR}
LAYERED = "OPEN_EXR_MULTILAYER"
CHANNELS_MAX = 8  # without layers Blender writes at most four; more are memory for nothing
LAYERED_CHANNELS_MAX = 1_024  # of all parts together
STRIP_ROWS = 64  # decoded at once, so that many passes take no more memory than few
COMPOSITE = "Composite.Combined."
COMBINED = ".Combined."


class Undecodable(Exception):
    """The file is not an image that can be read whole."""


@dataclass(frozen=True)
class Decoded:
    """`pixels`: the picture for people, `(height, width, channels)` in the file's own sample type. `sha256`: of everything."""

    pixels: np.ndarray
    sha256: str
    channels: tuple[str, ...] = ()  # names of all, in every part


def words_of(decoder) -> str:
    """What OpenImageIO, or one of its files, says went wrong. It quotes the file, which may hold anything: that is no error of ours."""
    try:
        said = decoder.geterror()
    except UnicodeDecodeError as error:
        said = error.object.decode(errors="replace")
    return "".join(letter if letter.isprintable() else " " for letter in said).strip()


def read_pixels(path: Path, *, pixels_max: int, image_format: str = "") -> np.ndarray:
    """The picture of `decode` alone."""
    return decode(path, pixels_max=pixels_max, image_format=image_format).pixels


def decode(path: Path, *, pixels_max: int, image_format: str = "") -> Decoded:
    """Decode an image. The file may come from anybody: its first bytes choose the decoder, its header bounds the memory.

    Args:
        image_format: a key of HEADS; empty allows any of them.

    Returns:
        Samples (uint8, uint16, float16, float32) as stored: sRGB-encoded for PNG and JPEG, scene-linear for EXR.

    Raises:
        Undecodable: unreadable, truncated, of another format, or larger than `pixels_max` by its header (checked
            before decoding).
    """
    _check_head(path, image_format)
    image = oiio.ImageInput.open(str(path))
    if image is None:
        raise Undecodable(words_of(oiio) or "not an image")
    try:
        specs = list(_parts(image))
        _check_specs(specs, pixels_max, layered=_is_layered(specs, image_format))
        return _decoded(image, specs)
    finally:
        image.close()


def _check_head(path: Path, image_format: str) -> None:
    """OpenImageIO opens two dozen formats, whatever the file is named; ours are three."""
    allowed = (HEADS[image_format],) if image_format else tuple(HEADS.values())
    with path.open("rb") as file:
        if not file.read(16).startswith(allowed):
            raise Undecodable(f"not a file of the format {image_format or ', '.join(HEADS)}")


def _parts(image) -> Iterator:
    number = 0
    while image.seek_subimage(number, 0):
        if number >= LAYERED_CHANNELS_MAX:
            raise Undecodable("more parts than were ordered")
        yield image.spec()
        number += 1


def _is_layered(specs: list, image_format: str) -> bool:
    """Ordered as such; or, where anything may come, named as Blender names layers."""
    return image_format == LAYERED or (not image_format and any(COMBINED in name for name in specs[0].channelnames))


def _check_specs(specs: list, pixels_max: int, *, layered: bool) -> None:
    """A tile may be far larger than its picture, and would be allocated whole; Blender writes none."""
    channels = sum(spec.nchannels for spec in specs)
    for spec in specs:
        if spec.width * spec.height > pixels_max:
            raise Undecodable(f"{spec.width} x {spec.height} pixels are more than expected")
        if spec.depth > 1 or spec.deep or spec.tile_width or (spec.width, spec.height) != (specs[0].width, specs[0].height):
            raise Undecodable(f"{channels} channels in tiles or layers are not what was ordered")
    if channels > (LAYERED_CHANNELS_MAX if layered else CHANNELS_MAX) or (len(specs) > 1 and not layered):
        raise Undecodable(f"{channels} channels in {len(specs)} parts are not what was ordered")


def _decoded(image, specs: list) -> Decoded:
    """Hash every part, strip by strip, and keep the channels of the picture."""
    whole, chosen, shown = hashlib.sha256(), _picture_of(specs), []
    for number, spec in enumerate(specs):
        whole.update(_shape_words(spec.height, spec.width, spec.nchannels, str(spec.format)))
        for strip in _strips(image, number, spec):
            whole.update(_sample_bytes(strip))
            if number == chosen[0]:
                shown.append(_channels_of(strip, chosen[1]))
    picture = shown[0] if len(shown) == 1 else np.concatenate(shown)
    return Decoded(picture, whole.hexdigest(), tuple(name for spec in specs for name in spec.channelnames))


def _channels_of(strip: np.ndarray, chosen: list[int]) -> np.ndarray:
    """Copied only where it is not all of them, in their order: choosing costs as much as hashing."""
    return strip if chosen == list(range(strip.shape[2])) else strip[:, :, chosen]


def _picture_of(specs: list) -> tuple[int, list[int]]:
    """(part, channels) of the picture for people."""
    for wanted in (COMPOSITE, COMBINED):
        for number, spec in enumerate(specs):
            layer = next((name.partition(wanted)[0] + wanted for name in spec.channelnames if wanted in name), None)
            if layer is not None:
                found = [index for index, name in enumerate(spec.channelnames) if name.startswith(layer)]
                return number, found[:CHANNELS_MAX]
    return 0, list(range(min(specs[0].nchannels, CHANNELS_MAX)))


def _strips(image, number: int, spec) -> Iterator[np.ndarray]:
    rows = STRIP_ROWS if spec.nchannels > CHANNELS_MAX or number else spec.height
    for top in range(spec.y, spec.y + spec.height, rows):
        bottom = min(top + rows, spec.y + spec.height)
        strip = image.read_scanlines(number, 0, top, bottom, 0, 0, spec.nchannels, spec.format)
        if strip is None or image.has_error:
            raise Undecodable(words_of(image) or "truncated")
        yield strip.reshape(bottom - top, spec.width, spec.nchannels)


def pixels_sha256(pixels: np.ndarray) -> str:
    """SHA-256 over the shape, the sample type and the samples in row order, little endian; of an image with one part."""
    height, width, channels = pixels.shape
    whole = hashlib.sha256(_shape_words(height, width, channels, pixels.dtype.name))
    whole.update(_sample_bytes(pixels))
    return whole.hexdigest()


TYPE_NAMES = {"half": "float16", "float": "float32", "double": "float64", "uint": "uint32"}  # OpenImageIO's, as NumPy's


def _shape_words(height: int, width: int, channels: int, type_name: str) -> bytes:
    return f"{height}x{width}x{channels}:{TYPE_NAMES.get(type_name, type_name)}\n".encode()


def _sample_bytes(pixels: np.ndarray) -> memoryview:
    """In row order, little endian; not copied where they lie so already."""
    return np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("<")).reshape(-1).view(np.uint8).data
