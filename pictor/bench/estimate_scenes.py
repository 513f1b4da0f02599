"""Runs inside Blender's interpreter: `estimate_scenes.py folder seed count` writes small animated Cycles scenes of many kinds.

Prints one JSON line per scene: its file, frames, size and samples.
"""

import json
import random
import sys

import bpy

MATERIALS = ("plain", "metal", "glass", "subsurface")


def material(kind):
    made = bpy.data.materials.new(kind)
    made.use_nodes = True
    shader = made.node_tree.nodes["Principled BSDF"].inputs
    if kind == "metal":
        shader["Metallic"].default_value, shader["Roughness"].default_value = 1.0, 0.2
    if kind == "glass":
        shader["Transmission Weight"].default_value, shader["Roughness"].default_value = 1.0, 0.0
    if kind == "subsurface":
        shader["Subsurface Weight"].default_value = 1.0
    return made


def fill(scene, chance, kind):
    """Spheres and cubes that the camera passes, so that frames differ."""
    surface = material(kind)
    for _ in range(chance.choice((3, 20, 80))):
        place = [chance.uniform(-4, 4), chance.uniform(-4, 4), chance.uniform(0, 2)]
        add = bpy.ops.mesh.primitive_uv_sphere_add if chance.random() < 0.6 else bpy.ops.mesh.primitive_cube_add
        add(location=place, scale=[chance.uniform(0.2, 0.9)] * 3)
        bpy.context.object.data.materials.append(surface)
    bpy.ops.mesh.primitive_plane_add(size=30)


def move_camera(scene, chance, frames):
    camera = scene.camera
    for frame in (1, frames):
        camera.location = [chance.uniform(5, 10), chance.uniform(-10, -5), chance.uniform(2, 6)]
        camera.keyframe_insert("location", frame=frame)


def make(path, chance):
    bpy.ops.wm.read_factory_settings(use_empty=False)
    scene, kind, frames = bpy.context.scene, chance.choice(MATERIALS), chance.choice((6, 8))
    scene.render.engine = "CYCLES"
    scene.cycles.samples = chance.choice((32, 64))
    scene.cycles.use_denoising = chance.random() < 0.3
    scene.cycles.use_adaptive_sampling = chance.random() < 0.5
    scene.frame_start, scene.frame_end = 1, frames
    width = chance.choice((64, 96, 128))
    fill(scene, chance, kind)
    move_camera(scene, chance, frames)
    bpy.ops.wm.save_as_mainfile(filepath=path, compress=True)
    facts = {"file": path, "frames": frames, "width": width, "height": width * 9 // 16, "samples": scene.cycles.samples}
    words = f"{kind}, {len(scene.objects)} objects, adaptive {scene.cycles.use_adaptive_sampling}"
    print(json.dumps(facts | {"words": words}), flush=True)


folder, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for number in range(count):
    make(f"{folder}/{number}.blend", random.Random(seed + number))
