"""Cheap checks that every frame passes before it is charged: on decoded pixels alone. PURE.

Arrays: (height, width, channels), uint8 or uint16 or float16 or float32 as stored.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from rendering.choices import ImageFormat
from rendering.reasons import Reason

CHANNELS: dict[str, set[int]] = {ImageFormat.PNG: {1, 2, 3, 4}, ImageFormat.JPEG: {1, 3}}  # EXR may have passes
DEPTHS: dict[str, set[str]] = {
    ImageFormat.PNG: {"uint8", "uint16"},
    ImageFormat.JPEG: {"uint8"},
    ImageFormat.EXR: {"float16", "float32", "uint32"},
    ImageFormat.EXR_LAYERS: {"float16", "float32", "uint32"},
}

TILE_PASSES = (("Combined", 4),)  # and how many channels each has
DENOISING_PASSES = (("Denoising Albedo", 3), ("Denoising Normal", 3))


def problem(pixels: np.ndarray, *, width: int, height: int, image_format: str) -> Reason | None:
    """The first thing wrong with a frame, or None. BLACK and CONSTANT are doubts: some scenes are."""
    if pixels.shape[:2] != (height, width):
        return Reason.WRONG_SIZE
    if not _has_right_channels(pixels, image_format):
        return Reason.WRONG_CHANNELS
    if pixels.dtype.kind == "f" and not np.isfinite(colours(pixels)).all():
        return Reason.NOT_FINITE
    return _flatness(colours(pixels))


def tile_problem(channels: Iterable[str], *, denoised: bool) -> Reason | None:
    """Does a tile bring the picture of a view layer and, for denoising the whole, its guides?"""
    passes = Counter(name.rpartition(".")[0].rpartition(".")[2] for name in channels)
    wanted = TILE_PASSES + DENOISING_PASSES * denoised
    return None if all(passes[name] >= count for name, count in wanted) else Reason.WRONG_CHANNELS


def _has_right_channels(pixels: np.ndarray, image_format: str) -> bool:
    counts = CHANNELS.get(image_format)
    return pixels.dtype.name in DEPTHS[image_format] and (counts is None or pixels.shape[2] in counts)


def colours(pixels: np.ndarray) -> np.ndarray:
    """The colour channels, without alpha: an opaque black frame is black."""
    return pixels[:, :, : 1 if pixels.shape[2] in {1, 2} else 3]


def _flatness(seen: np.ndarray) -> Reason | None:
    low, high = seen.min(axis=(0, 1)), seen.max(axis=(0, 1))
    if (low != high).any():
        return None
    return Reason.CONSTANT if high.any() else Reason.BLACK
