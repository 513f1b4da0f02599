"""One frame in tiles: rendered one by one, laid together and finished, by a real runner."""

import msgspec

from pictor_agent import pixels, protocol
from rendering import mosaic
from rendering.tiling import Grid
from tests.agent.conftest import make_spec

WIDTH, HEIGHT, GRID = 46, 34, Grid(2, 2)


def whole(main: str, **fields) -> protocol.RenderSpec:
    return make_spec(main, **{"width": WIDTH, "height": HEIGHT, "samples": 4, "seed": 7, "scene_key": "b" * 64} | fields)


def part(spec: protocol.RenderSpec, number: int) -> protocol.RenderSpec:
    region = protocol.Region(**GRID.ordered(number, WIDTH, HEIGHT)._asdict())
    return msgspec.structs.replace(spec, region=region, format="OPEN_EXR_MULTILAYER", depth_bits=32)


async def in_tiles(runner, folder, spec, tmp_path) -> pixels.Decoded:
    """The frame of `spec`, rendered in tiles, laid together and finished."""
    paths = {}
    for number in GRID.numbers():
        rendered = await runner.render(part(spec, number), folder, tmp_path / f"{number}.exr")
        ordered = GRID.ordered(number, WIDTH, HEIGHT)
        assert (rendered.result.width, rendered.result.height) == (ordered.width, ordered.height)
        paths[number] = rendered.path
    layers = mosaic.lay_together(GRID, WIDTH, HEIGHT, paths, folder / "merged.exr")
    (folder / "merged.exr").chmod(0o644)
    same = ("blender_version", "main_path", "frame", "width", "height", "format", "depth_bits", "denoise", "camera")
    order = protocol.MergeOrder(merged_path="merged.exr", layers=layers, **{name: getattr(spec, name) for name in same})
    finished = await runner.merge(order, folder, tmp_path / "merged")
    return pixels.decode(finished.path, pixels_max=WIDTH * HEIGHT, image_format=spec.format)
