"""The hash of decoded pixels, computed alike on node and server: file bytes differ from run to run, pixels do not."""

import hashlib
from pathlib import Path

import OpenImageIO as oiio


class Undecodable(Exception):
    """The file is not an image that can be read whole."""


def read_pixels(path: Path, *, pixels_max: int):
    """Decode an image.

    Returns:
        `(height, width, channels)` array in the file's own sample type (uint8, uint16, float16, float32), as stored:
        sRGB-encoded for PNG and JPEG, scene-linear for EXR.

    Raises:
        Undecodable: unreadable, truncated, or larger than `pixels_max` by its header (checked before decoding).
    """
    image = oiio.ImageInput.open(str(path))
    if image is None:
        raise Undecodable(oiio.geterror() or "not an image")
    try:
        spec = image.spec()
        if spec.width * spec.height > pixels_max or spec.nchannels > 64:
            raise Undecodable(f"{spec.width} x {spec.height} pixels are more than expected")
        pixels = image.read_image(0, 0, 0, spec.nchannels, spec.format)
        if pixels is None or image.has_error:
            raise Undecodable(image.geterror() or "truncated")
        return pixels
    finally:
        image.close()


def pixels_sha256(pixels) -> str:
    """SHA-256 over the shape, the sample type and the samples in row order, little endian."""
    head = f"{pixels.shape[0]}x{pixels.shape[1]}x{pixels.shape[2]}:{pixels.dtype.name}\n".encode()
    return hashlib.sha256(head + pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()).hexdigest()
