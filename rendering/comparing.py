"""Do two renders of one frame show the same picture? PURE.

The seed is the network's, so honest nodes come to the same pixels on one kind of processor, and to nearly the same on
others: Blender's own tests allow 1 % of the pixels to differ by more than 4 of 255 steps, and honest renders of one seed
on other instruction sets were measured at 0.35 % at most. With a tenth of the samples left out it is 3 % to 16 %, with
another seed 74 %. This judges people's pay, so it asks for five times Blender's limit.
"""

import numpy as np

from rendering.thumbnails import rgb_bytes

STEPS = 4  # of 255, in one channel
SHARE_MAX = 0.05  # of the pixels
ROWS = 256  # compared at once


def is_other_picture(one: np.ndarray, other: np.ndarray) -> bool:
    """`one`, `other`: decoded pixels, (height, width, channels)."""
    if one.shape[:2] != other.shape[:2]:
        return True
    height, width = one.shape[:2]
    differing = sum(_differing(one[top : top + ROWS], other[top : top + ROWS]) for top in range(0, height, ROWS))
    return differing > SHARE_MAX * height * width


def _differing(one: np.ndarray, other: np.ndarray) -> int:
    steps = np.abs(rgb_bytes(one).astype(np.int16) - rgb_bytes(other))
    return int(np.count_nonzero(steps.max(axis=2) > STEPS))
