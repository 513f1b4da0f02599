"""Sanity of pixels."""

import numpy as np
import pytest

from rendering.checks import problem
from rendering.reasons import Reason
from tests.builders import picture


def verdict(pixels, image_format="PNG"):
    return problem(pixels, width=32, height=18, image_format=image_format)


def flat(*colour, dtype=np.uint8):
    return np.full((18, 32, len(colour)), colour, dtype=dtype)


class ProblemTests:
    def test_a_picture_passes(self):
        assert verdict(picture(1)) is None

    @pytest.mark.parametrize(("width", "height"), [(31, 18), (32, 19), (18, 32)])
    def test_another_size_does_not(self, width, height):
        assert verdict(picture(1, width, height)) is Reason.WRONG_SIZE

    def test_a_black_frame_is_a_doubt_whatever_its_alpha(self):
        assert verdict(flat(0, 0, 0, 255)) is Reason.BLACK
        assert verdict(flat(0, 0, 0)) is Reason.BLACK

    def test_a_flat_frame_is_a_doubt(self):
        assert verdict(flat(9, 200, 9)) is Reason.CONSTANT

    def test_one_different_pixel_is_a_picture(self):
        pixels = flat(0, 0, 0)
        pixels[0, 0, 1] = 1
        assert verdict(pixels) is None

    def test_numbers_that_are_none_are_refused(self):
        pixels = np.random.default_rng(1).random((18, 32, 4), dtype=np.float32)
        assert verdict(pixels, "OPEN_EXR") is None
        pixels[3, 3, 0] = np.inf
        assert verdict(pixels, "OPEN_EXR") is Reason.NOT_FINITE

    def test_passes_beside_the_picture_may_hold_anything(self):
        pixels = np.random.default_rng(1).random((18, 32, 9), dtype=np.float32)
        pixels[0, 0, 8] = np.inf  # the depth of the sky
        assert verdict(pixels, "OPEN_EXR") is None

    @pytest.mark.parametrize(
        ("dtype", "channels", "image_format"),
        [(np.float32, 3, "PNG"), (np.uint16, 3, "JPEG"), (np.uint8, 4, "JPEG"), (np.uint8, 5, "PNG")],
    )
    def test_depth_and_channels_fit_the_format(self, dtype, channels, image_format):
        pixels = np.random.default_rng(1).integers(0, 200, (18, 32, channels)).astype(dtype)
        assert verdict(pixels, image_format) is Reason.WRONG_CHANNELS
