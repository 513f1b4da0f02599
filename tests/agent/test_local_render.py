"""What `pictor-agent render` orders of the renderer: the same fields that a node is ordered with."""

from pathlib import Path

import msgspec
import pytest

from pictor_agent import local, protocol
from pictor_agent.main import make_parser


def ordered(*words: str) -> protocol.RenderSpec:
    arguments = make_parser().parse_args(["render", "--main", "a.blend", "--out", "frames", *words, "scene"])
    return local._spec(arguments, Path("scene"), 1, "5.0.1")


def test_what_is_not_said_is_as_in_the_file():
    spec = ordered()
    assert (spec.engine, spec.device, spec.denoise, spec.region) == ("cycles", "any", None, None)


def test_engine_device_denoiser_and_region_are_ordered():
    spec = ordered("--engine", "eevee", "--device", "gpu", "--denoise", "off", "--region", "16,0,64,32")
    assert (spec.engine, spec.device, spec.denoise) == ("eevee", "gpu", False)
    assert spec.region == protocol.Region(left=16, top=0, width=64, height=32)
    assert msgspec.json.decode(msgspec.json.encode(spec), type=protocol.RenderSpec) == spec


def test_words_that_are_no_region_are_said_to_be_none():
    with pytest.raises(ValueError, match="LEFT,TOP,WIDTH,HEIGHT"):
        ordered("--region", "left")
