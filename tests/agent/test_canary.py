"""A piece of the canary, rendered by the server, against a whole frame of a node: real Blender, few samples for much noise."""

import msgspec
import numpy as np
import pytest

from pictor_agent import pixels, reference
from tests.builders import NOW
from workers import canary, canary_check

pytestmark = [pytest.mark.blender, pytest.mark.xdist_group("blender"), pytest.mark.asyncio(loop_scope="session")]


async def frame_of(runner, folder, *, seed: int) -> np.ndarray:
    """As a node renders it."""
    order = msgspec.structs.replace(canary.order(2, NOW), seed=seed)
    rendered = await runner.render(order, canary.SCENE.parent, folder / f"{seed}.exr")
    return pixels.decode(rendered.path, pixels_max=reference.WIDTH * reference.HEIGHT).pixels


async def test_a_piece_is_what_the_node_rendered_and_nothing_else_is(runner, tmp_path):
    piece = canary_check.draw_piece(canary_check.Random(4))
    right = canary_check.render_piece(piece, seed=5, samples=2)
    assert right.shape[:2] == (canary_check.HEIGHT, canary_check.WIDTH)
    own = canary_check.cut(await frame_of(runner, tmp_path, seed=5), piece)
    assert canary_check.difference(own, right) == 0
    others = canary_check.cut(await frame_of(runner, tmp_path, seed=6), piece)
    assert canary_check.difference(others, right) > 10 * canary_check.DIFFERENCE_MAX


async def test_no_number_is_no_colour():
    right = np.ones((4, 4, 3), np.float16)
    assert canary_check.difference(right * np.float16("nan"), right) == np.inf
    assert canary_check.difference(right, right) == 0


async def test_a_server_without_blender_says_that_it_cannot_look(settings, monkeypatch):
    for name in ("BLENDER_PYTHON", "BLENDER_ENVIRONMENTS"):
        monkeypatch.delenv(name, raising=False)
    settings.BLENDER_PYTHON = settings.BLENDER_ENVIRONMENTS = ""
    with pytest.raises(canary_check.NotChecked):
        canary_check.render_piece(canary_check.draw_piece(canary_check.Random(4)), seed=5, samples=1)
