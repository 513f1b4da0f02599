"""The hash of decoded pixels, computed alike on node and server: file bytes differ from run to run, pixels do not."""

import hashlib
from pathlib import Path

import OpenImageIO as oiio

HEADS = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff", "OPEN_EXR": b"\x76\x2f\x31\x01"}
CHANNELS_MAX = 8  # Blender writes at most four; more are memory for nothing


class Undecodable(Exception):
    """The file is not an image that can be read whole."""


def read_pixels(path: Path, *, pixels_max: int, image_format: str = ""):
    """Decode an image. The file may come from anybody: its first bytes choose the decoder, its header bounds the memory.

    Args:
        image_format: a key of HEADS; empty allows any of them.

    Returns:
        `(height, width, channels)` array in the file's own sample type (uint8, uint16, float16, float32), as stored:
        sRGB-encoded for PNG and JPEG, scene-linear for EXR.

    Raises:
        Undecodable: unreadable, truncated, of another format, or larger than `pixels_max` by its header (checked
            before decoding).
    """
    _check_head(path, image_format)
    image = oiio.ImageInput.open(str(path))
    if image is None:
        raise Undecodable(oiio.geterror() or "not an image")
    try:
        spec = image.spec()
        _check_spec(spec, pixels_max)
        pixels = image.read_image(0, 0, 0, spec.nchannels, spec.format)
        if pixels is None or image.has_error:
            raise Undecodable(image.geterror() or "truncated")
        return pixels
    finally:
        image.close()


def _check_head(path: Path, image_format: str) -> None:
    """OpenImageIO opens two dozen formats, whatever the file is named; ours are three."""
    allowed = (HEADS[image_format],) if image_format else tuple(HEADS.values())
    with path.open("rb") as file:
        if not file.read(16).startswith(allowed):
            raise Undecodable(f"not a file of the format {image_format or ', '.join(HEADS)}")


def _check_spec(spec, pixels_max: int) -> None:
    """A tile may be far larger than its picture, and would be allocated whole; Blender writes none."""
    if spec.width * spec.height > pixels_max:
        raise Undecodable(f"{spec.width} x {spec.height} pixels are more than expected")
    if spec.nchannels > CHANNELS_MAX or spec.depth > 1 or spec.deep or spec.tile_width:
        raise Undecodable(f"{spec.nchannels} channels in tiles or layers are not what was ordered")


def pixels_sha256(pixels) -> str:
    """SHA-256 over the shape, the sample type and the samples in row order, little endian."""
    head = f"{pixels.shape[0]}x{pixels.shape[1]}x{pixels.shape[2]}:{pixels.dtype.name}\n".encode()
    return hashlib.sha256(head + pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()).hexdigest()
