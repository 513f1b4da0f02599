"""Small pictures of anything that a frame can be."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from rendering import thumbnails
from tests.builders import picture, png_bytes


def opened(webp: bytes) -> Image.Image:
    return Image.open(BytesIO(webp), formats=["WEBP"])


class WebpTests:
    def test_the_longer_side_has_the_size_asked_for(self):
        assert opened(thumbnails.webp(picture(1, 480, 270), thumbnails.THUMBNAIL_SIDE)).size == (240, 135)

    def test_a_small_frame_is_not_made_larger(self):
        assert opened(thumbnails.webp(picture(1), thumbnails.PREVIEW_SIDE)).size == (32, 18)

    @pytest.mark.parametrize("channels", [1, 2, 3, 4, 9])
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32])
    def test_every_depth_and_channel_count_has_a_picture(self, dtype, channels):
        pixels = (np.random.default_rng(1).random((18, 32, channels)) * 200).astype(dtype)
        assert opened(thumbnails.webp(pixels, thumbnails.THUMBNAIL_SIDE)).size == (32, 18)


class ToneTests:
    def test_scene_linear_middle_grey_looks_middle_grey(self):
        [[[grey]]] = thumbnails.tone_mapped(np.full((1, 1, 1), 0.18, np.float32))
        assert grey == 118

    def test_white_and_what_is_no_number_stay_in_range(self):
        values = np.array([[[40.0], [-1.0], [np.nan]]], np.float32)
        assert thumbnails.tone_mapped(values).ravel().tolist() == [255, 0, 0]

    def test_a_sixteen_bit_frame_keeps_its_upper_byte(self):
        pixels = np.full((1, 1, 3), 0xABCD, np.uint16)
        assert thumbnails.srgb_bytes(pixels).ravel().tolist() == [0xAB] * 3

    def test_alpha_lies_over_black_in_films(self):
        pixels = np.array([[[200, 100, 50, 0], [200, 100, 50, 255]]], np.uint8)
        assert thumbnails.rgb_bytes(pixels).tolist() == [[[0, 0, 0], [200, 100, 50]]]


class RewriteTests:
    def test_a_strangers_picture_is_written_anew(self):
        assert opened(thumbnails.rewrite(BytesIO(png_bytes(picture(1, 300, 200))))).size == (240, 160)

    @pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg/>", png_bytes(picture(1))[:60]])
    def test_what_is_no_picture_is_refused(self, content):
        with pytest.raises(thumbnails.Undecodable):
            thumbnails.rewrite(BytesIO(content))

    def test_a_huge_one_is_refused_by_its_header(self, monkeypatch):
        monkeypatch.setattr(thumbnails, "GIVEN_PIXELS_MAX", 100)
        with pytest.raises(thumbnails.Undecodable, match="large"):
            thumbnails.rewrite(BytesIO(png_bytes(picture(1))))
