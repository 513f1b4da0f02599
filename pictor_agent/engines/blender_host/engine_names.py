"""What this Blender calls the engines of the registry: EEVEE was BLENDER_EEVEE_NEXT from 4.2 to 4.5."""

import bpy

EEVEE = "BLENDER_EEVEE_NEXT" if (4, 2) <= bpy.app.version[:2] < (5, 0) else "BLENDER_EEVEE"
BLENDER_IDS = {"cycles": "CYCLES", "eevee": EEVEE}


def samples_of(scene, blender_id):
    """The samples that the file asks of an engine; 0 for one whose samples we do not know."""
    if blender_id == "CYCLES":
        return scene.cycles.samples
    return scene.eevee.taa_render_samples if blender_id == EEVEE else 0
