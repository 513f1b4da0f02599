"""Presets of the Render group: what each changes about the values in the file. PURE."""

from collections.abc import Mapping
from typing import NamedTuple

from rendering.job_settings import SAMPLES_MAX

PREVIEW_SAMPLES_MAX, DRAFT_SAMPLES_MAX = 32, 128


class Preset(NamedTuple):
    """`percentage` None: as in the file. `samples_divisor` and `samples_max` bound the samples of the file."""

    name: str
    label: str
    meaning: str
    percentage: int | None = None
    samples_divisor: int = 1
    samples_max: int = SAMPLES_MAX


PRESETS = (
    Preset("file", "As in the file", "Size, samples, format and denoiser as saved in Blender."),
    Preset("preview", "Preview 25 %", "A quarter of the size, few samples: to see that it works.", 25, 4, PREVIEW_SAMPLES_MAX),
    Preset("draft", "Draft", "Half the size and half the samples: for timing and light.", 50, 2, DRAFT_SAMPLES_MAX),
    Preset("final", "Final", "Full size, whatever the scale in the file.", 100),
)


def find(name: str) -> Preset | None:
    return next((preset for preset in PRESETS if preset.name == name), None)


def applied(preset: Preset, in_the_file: Mapping) -> dict:
    """The fields of the form that the preset sets.

    Args:
        in_the_file: the same fields as the file has them.
    """
    names = ("width", "height", "percentage", "samples", "format", "depth_bits", "quality_percent", "denoise")
    values = {name: in_the_file[name] for name in names}
    values["samples"] = max(1, min(values["samples"] // preset.samples_divisor, preset.samples_max))
    if preset.percentage is not None:
        values["percentage"] = preset.percentage
    return values
