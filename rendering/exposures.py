"""Previews of EXR frames at another exposure, made when first asked for and kept beside the frame.

A frame may be far larger than memory allows a page's process: it is read in bands of a few lines, each made small at once.
"""

from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np
import OpenImageIO as oiio
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from pictor_agent.pixels import words_of
from rendering.frames import local_copy
from rendering.models import Output
from rendering.thumbnails import EFFORT, PREVIEW_SIDE, QUALITY, tone_mapped

STOPS = range(-6, 7)
PIXELS_MAX = 2**28  # 16,384 x 16,384: nobody looks at more of it at once
COLOURS = ("R", "G", "B")


class NotReadable(Exception):
    """The file holds no colours that can be shown."""


def exposed_key(output: Output, stops: int) -> str:
    """Where the preview at `stops` lies; made now if nobody has looked at it so before.

    Raises:
        NotReadable: the frame is no picture with colours.
    """
    key = f"{PurePosixPath(output.storage_key).with_suffix('')}.exposure{stops:+d}.webp"
    if not default_storage.exists(key):
        with local_copy(output.storage_key) as path:
            small = read_small(path)
        default_storage.save(key, ContentFile(exposed_webp(small, stops)))
    return key


def exposed_webp(linear: np.ndarray, stops: int) -> bytes:
    file = BytesIO()
    picture = tone_mapped(linear.astype(np.float32) * np.float32(2.0**stops))
    Image.fromarray(picture).save(file, "WEBP", quality=QUALITY[PREVIEW_SIDE], method=EFFORT)
    return file.getvalue()


def read_small(path: Path) -> np.ndarray:
    """The frame's colours as scene-linear floats, averaged over squares of pixels down to PREVIEW_SIDE at most.

    Raises:
        NotReadable: no picture, no colours, or more than PIXELS_MAX.
    """
    image = oiio.ImageInput.open(str(path))
    if image is None:
        raise NotReadable(words_of(oiio))
    try:
        return _read_bands(image, image.spec())
    finally:
        image.close()


def _read_bands(image, spec) -> np.ndarray:
    if spec.width * spec.height > PIXELS_MAX or spec.tile_width:
        raise NotReadable("too large to be shown")
    first = _first_colour(list(spec.channelnames))
    step = max(1, -(-max(spec.width, spec.height) // PREVIEW_SIDE))
    bands = []
    for top in range(spec.y, spec.y + spec.height, step):
        bottom = min(top + step, spec.y + spec.height)
        lines = image.read_scanlines(0, 0, top, bottom, 0, first, first + len(COLOURS), "float")
        if lines is None:
            raise NotReadable(words_of(image))
        bands.append(_averaged(np.asarray(lines).reshape(bottom - top, spec.width, len(COLOURS)), step))
    return np.stack(bands)


def _first_colour(names: list[str]) -> int:
    """Where R, G, B stand: of the picture itself, else of the first layer that has them ("ViewLayer.Combined.R")."""
    plain = [name.rpartition(".")[2] for name in names]
    places = [place for place in range(len(names) - 2) if tuple(plain[place : place + 3]) == COLOURS]
    whole = [place for place in places if "." not in names[place] or "Combined" in names[place]]
    if not places:
        raise NotReadable("no colours")
    return (whole or places)[0]


def _averaged(lines: np.ndarray, step: int) -> np.ndarray:
    """One line of the small picture from up to `step` lines of the large one; what is not a number counts as black."""
    line = np.nan_to_num(lines, nan=0.0, posinf=65504.0, neginf=0.0).mean(axis=0)
    columns = np.arange(0, line.shape[0], step)
    sizes = np.diff(np.append(columns, line.shape[0]))
    return np.add.reduceat(line, columns, axis=0) / sizes[:, None]
