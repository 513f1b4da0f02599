"""Tiles of one frame laid together, every pass of them, into one EXR. Files in, a file out.

The rows are written from the bottom up, as Cycles' denoiser has them in a render: only so it comes to the same pixels.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from pictor_agent.pixels import words_of
from rendering.tiling import Grid

MOTION = ("Vector.X", "Vector.Y", "Vector.Z", "Vector.W")  # the denoiser asks for these, and uses them in films alone
DENOISING = "Denoising Albedo.R"
CHANNEL_ORDER = "RGBAXYZWUV"
STRIP_ROWS = 128  # of the frame, with every pass, in memory at once


class MergeFailed(Exception):
    """str() says why, for the creator."""


def lay_together(grid: Grid, width: int, height: int, tiles: Mapping[int, Path], target: Path) -> dict[str, dict[str, str]]:
    """Write all tiles as one EXR without their overlap, STRIP_ROWS in memory at a time however large it is.

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
        for rows in _strips(grid.own(row[0], width, height).height):
            parts = [_own_pixels(tiles[number], number, names, grid, width, height, rows) for number in row]
            parts.append(np.zeros((len(rows), width, len(empty)), np.float32))
            band = np.concatenate([np.concatenate(parts[:-1], axis=1), parts[-1]], axis=2)
            _write(picture, done, band[::-1])
            done += len(rows)
    if not picture.close():
        raise MergeFailed(words_of(picture))
    return layers_of(names)


def _strips(height: int) -> Iterator[range]:
    """The rows of a tile in strips, the lowest first."""
    for end in range(height, 0, -STRIP_ROWS):
        yield range(max(0, end - STRIP_ROWS), end)


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
        raise MergeFailed(words_of(oiio))
    return picture


def _write(picture, first: int, rows: np.ndarray) -> None:
    if not picture.write_scanlines(first, first + rows.shape[0], 0, np.ascontiguousarray(rows)):
        raise MergeFailed(words_of(picture))


def _own_pixels(path: Path, number: int, names: Sequence[str], grid: Grid, width: int, height: int, rows: range) -> np.ndarray:
    """These rows of what is the tile's alone of its file, in the channels of these names."""
    own, ordered = grid.own(number, width, height), grid.ordered(number, width, height)
    left, top = own.left - ordered.left, own.top - ordered.top + rows.start
    found = {}
    for spec, pixels in _parts_of(path, (ordered.width, ordered.height), number, top, len(rows)):
        cut = pixels[:, left : left + own.width]
        found |= {name: cut[:, :, index] for index, name in enumerate(spec.channelnames)}
    return np.stack([found[name] for name in names], axis=2)


def _parts_of(path: Path, size: tuple[int, int], tile: int, top: int, height: int) -> Iterator[tuple]:
    """Header and these rows of each part of the file of a tile, which must have the size that was ordered."""
    image, number = _opened(path), 0
    try:
        while image.seek_subimage(number, 0):
            spec = image.spec()
            if (spec.width, spec.height) != size:
                raise MergeFailed(f"Tile {tile} has another size than was ordered.")
            first = spec.y + top
            pixels = image.read_scanlines(number, 0, first, first + height, 0, 0, spec.nchannels, "float")
            if pixels is None:
                raise MergeFailed(words_of(image))
            yield spec, pixels.reshape(height, spec.width, spec.nchannels)
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
        raise MergeFailed(words_of(oiio))
    return image


def layers_of(names: Sequence[str]) -> dict[str, dict[str, str]]:
    """["ViewLayer.Combined.R", ...] -> {"ViewLayer": {"Combined": "RGBA"}}."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        layer, kind, channel = name.rsplit(".", 2)
        passes = found.setdefault(layer, {})
        passes[kind] = "".join(sorted(passes.get(kind, "") + channel, key=CHANNEL_ORDER.find))
    return found
