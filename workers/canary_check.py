"""Whether a picture of the canary is the one of its seed: a small piece, drawn after it was sent, is rendered here as well.

The same seed gives the same samples, so an honest piece is equal, but for the last bits of some pixels; noise of another seed, or
noise that somebody put over a finished picture, differs in nearly every pixel.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

import numpy as np
from django.conf import settings

from common.agent_words import agent_words
from pictor_agent import protocol, reference
from workers import canary

WIDTH, HEIGHT = 64, 36  # a hundredth of the frame
DARK = 0.05  # added to what a difference is a part of: in the dark the last bits are large parts
# Median over the piece. Measured on processors: 0 for the same seed; of another seed 0.11 to 0.33 at 6 samples, and noise
# falls with their square root: 0.012 and more at the 512 of a GPU.
DIFFERENCE_MAX = 0.005
SECONDS_MAX = 600


class NotChecked(Exception):
    """This machine could not render the piece: nobody's lie."""


def draw_piece(rng: Random) -> protocol.Region:
    left, top = rng.randrange(reference.WIDTH - WIDTH), rng.randrange(reference.HEIGHT - HEIGHT)
    return protocol.Region(left=left, top=top, width=WIDTH, height=HEIGHT)


def is_own(picture: np.ndarray, *, seed: int, samples: int, rng: Random) -> bool:
    """Is `picture` (scene-linear) what the canary looks like with this seed?

    Raises:
        NotChecked
    """
    piece = draw_piece(rng)
    return difference(cut(picture, piece), render_piece(piece, seed=seed, samples=samples)) <= DIFFERENCE_MAX


def cut(picture: np.ndarray, piece: protocol.Region) -> np.ndarray:
    return picture[piece.top : piece.top + piece.height, piece.left : piece.left + piece.width]


def difference(found: np.ndarray, right: np.ndarray) -> float:
    """The median of how far colours differ, as a part of the right ones."""
    found, right = found[..., :3].astype(np.float64), right[..., :3].astype(np.float64)
    parts = np.abs(found - right) / (np.abs(right) + DARK)
    return float(np.median(np.nan_to_num(parts, nan=np.inf, posinf=np.inf)))


def render_piece(piece: protocol.Region, *, seed: int, samples: int) -> np.ndarray:
    """This piece by this machine.

    Raises:
        NotChecked
    """
    from pictor_agent import pixels  # its libraries are slow to load, and few processes need them

    root = Path(settings.VAR_DIR) / "canary"
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root) as folder:
        try:
            _run(Path(folder), piece, seed, samples)
            return pixels.decode(Path(folder) / "out" / f"{reference.FRAME:04d}.exr", pixels_max=WIDTH * HEIGHT).pixels
        except (OSError, subprocess.SubprocessError, pixels.Undecodable) as error:
            raise NotChecked(str(error)[:300]) from error


def _run(folder: Path, piece: protocol.Region, seed: int, samples: int) -> None:
    scene = folder / "scene"
    for place in (folder, scene):
        place.mkdir(exist_ok=True)
        place.chmod(0o755)
    main = scene / canary.SCENE.name
    main.write_bytes(canary.SCENE.read_bytes())
    main.chmod(0o644)
    region = f"{piece.left},{piece.top},{piece.width},{piece.height}"
    size = ["--width", str(reference.WIDTH), "--height", str(reference.HEIGHT), "--region", region]
    order = [
        "--frames",
        str(reference.FRAME),
        "--seed",
        str(seed),
        "--samples",
        str(samples),
        "--denoise",
        "off",
        "--device",
        "cpu",
    ]
    command = [
        sys.executable, *agent_words("render"), "--blender-version", reference.CANARY_VERSION, "--main", main.name,
        "--format", "OPEN_EXR_MULTILAYER", *size, *order, "--out", str(folder / "out"), str(scene),
    ]  # fmt: skip
    subprocess.run(command, capture_output=True, timeout=SECONDS_MAX, cwd=settings.BASE_DIR, check=True)
