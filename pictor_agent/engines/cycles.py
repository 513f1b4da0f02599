"""Cycles, Blender's path tracer: same version, file, frame and seed give the same pixels on any CPU of one kernel."""

from pictor_agent.engines import blender_versions
from pictor_agent.engines.entry import Engine

ENGINE = Engine(
    name="cycles",
    label="Cycles",
    software="blender",
    status="available",
    versions=blender_versions.ALL,
    blender_ids=("CYCLES",),
    denoise=True,
)
