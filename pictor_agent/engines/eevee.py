"""EEVEE, Blender's rasteriser: needs OpenGL by EGL on the node; frames are alike between runs, not bit-equal."""

from pictor_agent.engines import blender_versions
from pictor_agent.engines.entry import Engine

ENGINE = Engine(
    name="eevee",
    label="EEVEE",
    software="blender",
    status="available",
    versions=blender_versions.ALL,
    blender_ids=("BLENDER_EEVEE", "BLENDER_EEVEE_NEXT"),
    needs_opengl=True,
    reproducible=False,
)
