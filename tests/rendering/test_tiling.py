"""How a frame is divided: no pixel twice, none left out, each tile a little larger than its own part."""

import pytest

from rendering import checks
from rendering.job_settings import JobSettings, problems
from rendering.reasons import Reason
from rendering.tiling import OVERLAP, TILES_MAX, BadGrid, Grid, parse_grid, suggested, written


@pytest.mark.parametrize("grid", [Grid(1, 1), Grid(2, 2), Grid(3, 2), Grid(8, 8), Grid(64, 1)])
@pytest.mark.parametrize("size", [(640, 512), (513, 531), (1001, 64)])
def test_every_pixel_belongs_to_one_tile_and_is_rendered_by_it(grid, size):
    width, height = size
    seen = [[0] * width for _ in range(height)]
    for number in grid.numbers():
        own, ordered = grid.own(number, width, height), grid.ordered(number, width, height)
        assert 0 <= ordered.left <= own.left
        assert 0 <= ordered.top <= own.top
        assert own.left + own.width <= ordered.left + ordered.width <= width
        assert own.top + own.height <= ordered.top + ordered.height <= height
        assert own.left - ordered.left in {0, OVERLAP} or ordered.left == 0
        for row in seen[own.top : own.top + own.height]:
            for column in range(own.left, own.left + own.width):
                row[column] += 1
    assert all(count == 1 for row in seen for count in row)


def test_rows_are_numbered_from_the_upper_left():
    assert [list(row) for row in Grid(3, 2).rows()] == [[1, 2, 3], [4, 5, 6]]
    assert Grid(3, 2).own(4, 90, 60) == (0, 30, 30, 30)


@pytest.mark.parametrize(("text", "grid"), [("", None), ("1x1", None), ("4x4", (4, 4)), (" 4 × 3 ", (4, 3)), ("1X8", (1, 8))])
def test_a_grid_is_read(text, grid):
    assert parse_grid(text) == grid
    assert parse_grid(written(parse_grid(text))) == grid


@pytest.mark.parametrize("text", ["4", "x4", "0x4", "9x8", "65x1", "4x4x4", "-2x2", "٤x4"])
def test_what_cannot_be_read_is_refused_with_words(text):
    with pytest.raises(BadGrid, match="tiles"):
        parse_grid(text)


@pytest.mark.parametrize(("size", "grid"), [((640, 360), ""), ((1920, 1080), ""), ((3840, 2160), "4x2"), ((7680, 4320), "8x4")])
def test_a_large_still_gets_a_proposal(size, grid):
    assert suggested(*size) == grid


@pytest.mark.parametrize("size", [(16_384, 8_192), (16_384, 4), (4_000, 16_384), (16_384, 300)])
def test_no_proposal_is_too_much(size):
    grid = parse_grid(suggested(*size))
    assert grid is None or grid.count <= TILES_MAX


def settings(**fields) -> JobSettings:
    return JobSettings(**{"name": "Still", "frames": "7", "width": 640, "height": 360, "samples": 8, "tiles": "4x4"} | fields)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, ""),
        ({"frames": "1-2"}, "one frame"),
        ({"engine": "eevee"}, "by Cycles"),
        ({"tiles": "many"}, "such as 4x4"),
        ({"tiles": "8x8", "width": 60}, "too small"),
        ({"gate_step": 2}, "several frames"),
        ({"tiles": "", "frames": "1-9"}, ""),
    ],
)
def test_tiles_are_for_a_single_frame_by_cycles(fields, words):
    assert words in problems(settings(**fields)).get("tiles", "")
    assert bool(problems(settings(**fields)).get("tiles")) == bool(words)


COMBINED = [f"ViewLayer.Combined.{channel}" for channel in "RGBA"]
GUIDES = [f"ViewLayer.Denoising {name}" for name in ("Albedo.R", "Albedo.G", "Albedo.B", "Normal.X", "Normal.Y", "Normal.Z")]


def test_a_tile_brings_what_denoising_the_whole_needs():
    assert checks.tile_problem(COMBINED, denoised=False) is None
    assert checks.tile_problem(COMBINED + GUIDES, denoised=True) is None
    assert checks.tile_problem(COMBINED + GUIDES[1:], denoised=True) == Reason.WRONG_CHANNELS
    assert checks.tile_problem(["R", "G", "B", "A"], denoised=False) == Reason.WRONG_CHANNELS
