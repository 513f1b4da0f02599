"""EEVEE, Blender's rasteriser: needs a GPU, and frames are not bit-equal between runs."""

from pictor_agent.engines import blender_versions
from pictor_agent.engines.entry import Engine

ENGINE = Engine(
    name="eevee",
    label="EEVEE",
    software="blender",
    status="coming",
    versions=blender_versions.ALL,
    blender_ids=("BLENDER_EEVEE", "BLENDER_EEVEE_NEXT"),
)
