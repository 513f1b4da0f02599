"""Small pictures of frames for pages: WebP, 240 and 1280 pixels at the longer side; EXR by a plain sRGB curve."""

from io import BytesIO
from typing import BinaryIO

import numpy as np
from PIL import Image

THUMBNAIL_SIDE, PREVIEW_SIDE = 240, 1280  # pixels
QUALITY = {THUMBNAIL_SIDE: 78, PREVIEW_SIDE: 84}
EFFORT = 2  # of the encoder, 0 to 6: twice as fast as 4, and the file a twentieth larger
GIVEN_PIXELS_MAX = 4_000_000  # of a picture that a stranger's file brings


class Undecodable(Exception):
    """Not a picture that can be shown."""


def webp(pixels: np.ndarray, side: int) -> bytes:
    """A WebP of at most `side` pixels; never larger than the frame."""
    image = Image.fromarray(srgb_bytes(pixels))
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    file = BytesIO()
    image.save(file, "WEBP", quality=QUALITY[side], method=EFFORT)
    return file.getvalue()


def srgb_bytes(pixels: np.ndarray) -> np.ndarray:
    """(height, width, 3 or 4) uint8, sRGB-encoded, alpha not multiplied in, as screens and encoders want it."""
    shown = _rgb(pixels)
    if shown.dtype == np.uint8:
        return np.ascontiguousarray(shown)
    if shown.dtype.kind == "u":
        return (shown >> 8 * (shown.dtype.itemsize - 1)).astype(np.uint8)
    return tone_mapped(shown)


def rgb_bytes(pixels: np.ndarray) -> np.ndarray:
    """As srgb_bytes, over black: (height, width, 3)."""
    shown = srgb_bytes(pixels)
    if shown.shape[2] == 3:
        return shown
    alpha = shown[:, :, 3:].astype(np.uint16)
    return (shown[:, :, :3] * alpha // 255).astype(np.uint8)


def tone_mapped(linear: np.ndarray) -> np.ndarray:
    """Scene-linear floats through the sRGB curve, clipped at white."""
    values = np.clip(np.nan_to_num(linear.astype(np.float32)), 0.0, 1.0)
    encoded = np.where(values <= 0.0031308, values * 12.92, 1.055 * np.power(values, 1 / 2.4) - 0.055)
    if linear.shape[2] == 4:
        encoded[:, :, 3] = values[:, :, 3]
    return (encoded * 255 + 0.5).astype(np.uint8)


def _rgb(pixels: np.ndarray) -> np.ndarray:
    """Three or four channels of whatever there is: grey is tripled, passes beyond the fourth are left out."""
    channels = pixels.shape[2]
    if channels == 1:
        return np.repeat(pixels, 3, axis=2)
    if channels == 2:
        return np.concatenate([np.repeat(pixels[:, :, :1], 3, axis=2), pixels[:, :, 1:]], axis=2)
    return pixels[:, :, : min(channels, 4)]


def rewrite(file: BinaryIO) -> bytes:
    """A picture that came with a stranger's file, decoded and written anew at thumbnail size.

    Raises:
        Undecodable: not a picture, or a larger one than thumbnails are.
    """
    try:
        with Image.open(file, formats=["WEBP", "PNG", "JPEG"]) as image:
            if image.width * image.height > GIVEN_PIXELS_MAX:
                raise Undecodable("too large")
            return webp(np.asarray(image.convert("RGBA")), THUMBNAIL_SIDE)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise Undecodable(str(error)) from error
