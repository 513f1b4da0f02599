"""Tiles of one frame laid together, every pass of them, into one EXR. Files in, a file out.

The rows are written from the bottom up, as Cycles' denoiser has them in a render: only so it comes to the same pixels.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from rendering.tiling import Grid

MOTION = ("Vector.X", "Vector.Y", "Vector.Z", "Vector.W")  # the denoiser asks for these, and uses them in films alone
DENOISING = "Denoising Albedo.R"
CHANNEL_ORDER = "RGBAXYZWUV"


class MergeFailed(Exception):
    """str() says why, for the creator."""


def lay_together(grid: Grid, width: int, height: int, tiles: Mapping[int, Path], target: Path) -> dict[str, dict[str, str]]:
    """Write all tiles as one EXR without their overlap, a row of tiles in memory at a time.

    Args:
        tiles: the files by their numbers.

    Returns:
        View layer -> pass -> its channels.

    Raises:
        MergeFailed: a file is not what its tile should be.
    """
    names = names_of_all(tiles.values())
    empty = _motion_missing(names)
    picture = _new_picture(width, height, names + empty, target)
    done = 0
    for row in reversed(grid.rows()):
        band = np.concatenate([_own_pixels(tiles[number], number, names, grid, width, height) for number in row], axis=1)
        band = np.concatenate([band, np.zeros((*band.shape[:2], len(empty)), np.float32)], axis=2)
        _write(picture, done, band[::-1])
        done += band.shape[0]
    if not picture.close():
        raise MergeFailed(picture.geterror())
    return layers_of(names)


def _motion_missing(names: Sequence[str]) -> list[str]:
    layers = [name.removesuffix(DENOISING) for name in names if name.endswith(DENOISING)]
    return [layer + each for layer in layers for each in MOTION if layer + each not in names]


def _new_picture(width: int, height: int, names: list[str], target: Path):
    spec = oiio.ImageSpec(width, height, len(names), "float")
    spec.channelnames = names
    spec.attribute("compression", "zip")
    for layer in layers_of(names):
        spec.attribute(f"cycles.{layer}.samples", "1")  # the denoiser wants to be told; it changes nothing
    picture = oiio.ImageOutput.create(str(target))
    if picture is None or not picture.open(str(target), spec):
        raise MergeFailed(oiio.geterror())
    return picture


def _write(picture, first: int, rows: np.ndarray) -> None:
    if not picture.write_scanlines(first, first + rows.shape[0], 0, np.ascontiguousarray(rows)):
        raise MergeFailed(picture.geterror())


def _own_pixels(path: Path, number: int, names: Sequence[str], grid: Grid, width: int, height: int) -> np.ndarray:
    """What is the tile's alone of its file, in the channels of these names."""
    own, ordered = grid.own(number, width, height), grid.ordered(number, width, height)
    left, top = own.left - ordered.left, own.top - ordered.top
    found = {}
    for spec, pixels in _parts_of(path):
        if (spec.width, spec.height) != (ordered.width, ordered.height):
            raise MergeFailed(f"Tile {number} has another size than was ordered.")
        cut = pixels[top : top + own.height, left : left + own.width]
        found |= {name: cut[:, :, index] for index, name in enumerate(spec.channelnames)}
    return np.stack([found[name] for name in names], axis=2)


def _parts_of(path: Path) -> Iterator[tuple]:
    """Header and samples of each part."""
    image, number = _opened(path), 0
    try:
        while image.seek_subimage(number, 0):
            spec = image.spec()
            pixels = image.read_image(number, 0, 0, spec.nchannels, "float")
            if pixels is None:
                raise MergeFailed(image.geterror())
            yield spec, pixels.reshape(spec.height, spec.width, spec.nchannels)
            number += 1
    finally:
        image.close()


def names_of_all(paths: Iterable[Path]) -> list[str]:
    """The channels that every tile has, in the order of the files: what one node left out, the frame does without."""
    first, *others = map(_names_of, paths)
    return [name for name in first if all(name in names for names in others)]


def _names_of(path: Path) -> list[str]:
    names: list[str] = []
    image, number = _opened(path), 0
    while image.seek_subimage(number, 0):
        names += image.spec().channelnames
        number += 1
    image.close()
    return [name for name in names if name.count(".") >= 2]  # layer, pass, channel


def _opened(path: Path):
    image = oiio.ImageInput.open(str(path))
    if image is None:
        raise MergeFailed(oiio.geterror())
    return image


def layers_of(names: Sequence[str]) -> dict[str, dict[str, str]]:
    """["ViewLayer.Combined.R", ...] -> {"ViewLayer": {"Combined": "RGBA"}}."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        layer, kind, channel = name.rsplit(".", 2)
        passes = found.setdefault(layer, {})
        passes[kind] = "".join(sorted(passes.get(kind, "") + channel, key=CHANNEL_ORDER.find))
    return found
