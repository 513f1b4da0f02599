"""Runs inside Blender's interpreter: `estimate_scenes.py folder seed count` writes small animated Cycles scenes of many kinds.

Prints one JSON line per scene: its file, frames, size and samples.
"""

import json
import random
import sys

import bpy

MATERIALS = ("plain", "metal", "glass", "subsurface")
FRAMES = 8
STEP = 3  # of the timeline: eight frames are a second


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


def fill(chance, kind, count):
    """Spheres and cubes that the camera passes, so that frames differ; one in three moves."""
    surface = material(kind)
    for _ in range(count):
        add = bpy.ops.mesh.primitive_uv_sphere_add if chance.random() < 0.6 else bpy.ops.mesh.primitive_cube_add
        add(location=somewhere(chance), scale=[chance.uniform(0.2, 0.9)] * 3)
        bpy.context.object.data.materials.append(surface)
        if chance.random() < 1 / 3:
            move(bpy.context.object, lambda: somewhere(chance))
    bpy.ops.mesh.primitive_plane_add(size=30)


def somewhere(chance):
    return [chance.uniform(-4, 4), chance.uniform(-4, 4), chance.uniform(0, 2)]


def move(item, place):
    for frame in (1, FRAMES * STEP):
        item.location = place()
        item.keyframe_insert("location", frame=frame)


def make(path, chance, number):
    bpy.ops.wm.read_factory_settings(use_empty=False)
    scene, kind, count = bpy.context.scene, MATERIALS[number % len(MATERIALS)], chance.choice((3, 20, 80))
    scene.render.engine = "CYCLES"
    scene.cycles.samples = chance.choice((24, 64, 160))
    scene.cycles.use_denoising = number % 3 == 0
    scene.cycles.use_adaptive_sampling = number % 2 == 1
    scene.cycles.adaptive_threshold = 0.05
    width = {24: 320, 64: 192, 160: 128}[scene.cycles.samples]
    fill(chance, kind, count)
    move(scene.camera, lambda: [chance.uniform(5, 10), chance.uniform(-10, -5), chance.uniform(2, 6)])
    bpy.ops.wm.save_as_mainfile(filepath=path, compress=True)
    facts = {"file": path, "frames": list(range(1, FRAMES * STEP, STEP)), "width": width, "height": width * 9 // 16}
    facts |= {"samples": scene.cycles.samples, "is_adaptive": scene.cycles.use_adaptive_sampling}
    words = f"{kind}, {count} objects, {scene.cycles.samples} samples"
    words += ", adaptive" * scene.cycles.use_adaptive_sampling + ", denoised" * scene.cycles.use_denoising
    print(json.dumps(facts | {"words": words}), flush=True)


folder, seed, wanted = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for number in range(wanted):
    make(f"{folder}/{number}.blend", random.Random(seed + number), number)
