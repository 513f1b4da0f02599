"""Builds the shipped demo scene with Blender's own Python: 46 spheres in five materials and a slow ring.

    $BLENDER_PYTHON scenes/make_demo_scene.py scenes/carousel.blend
    $BLENDER_PYTHON scenes/make_demo_scene.py --still static/img/hero.webp

The layout comes from one fixed seed, so the same Blender writes the same scene. Lengths are metres, angles degrees.
"""

import argparse
import random
from math import pi, radians, sin
from pathlib import Path

import bpy
from mathutils import Vector

FRAMES = 48
SWAY_DEGREES = 9  # the carousel swings this far to each side and back, so the film loops
SEED = 41

# name: colour (linear), roughness of its reflections
MATERIALS = {
    "lacquer": ((0.006, 0.006, 0.008), 0.05),
    "porcelain": ((0.72, 0.66, 0.58), 0.36),
    "coral": ((0.82, 0.27, 0.13), 0.34),
    "steel blue": ((0.125, 0.24, 0.48), 0.32),
    "floor": ((0.10, 0.074, 0.062), 0.36),
}

# The composed foreground: x, y, radius, material. Everything else is scattered behind and between.
PLACED = [
    (-0.95, -1.62, 0.66, "lacquer"),
    (0.28, -0.72, 0.56, "coral"),
    (-0.62, -0.10, 0.58, "porcelain"),
    (1.22, -1.02, 0.52, "steel blue"),
    (1.95, 0.10, 0.54, "steel blue"),
    (-1.66, 0.06, 0.50, "lacquer"),
    (-1.62, 1.05, 0.58, "coral"),
    (-1.92, -0.62, 0.26, "porcelain"),
    (-2.45, -0.75, 0.26, "glass"),
    (-1.92, -1.45, 0.17, "lacquer"),
    (-0.16, -1.72, 0.17, "porcelain"),
    (0.90, -0.16, 0.14, "coral"),
    (0.95, -0.50, 0.14, "steel blue"),
    (0.62, 1.65, 0.56, "steel blue"),
    (-2.55, 0.42, 0.42, "lacquer"),
    (-2.85, 1.30, 0.44, "lacquer"),
    (-2.10, 2.25, 0.72, "porcelain"),
    (1.42, 1.10, 0.30, "glass"),
    (0.06, 0.60, 0.44, "glass"),
    (2.62, 0.80, 0.40, "porcelain"),
    (1.92, -0.80, 0.26, "steel blue"),
]
SPHERES = 46
PALETTE = ["lacquer", "lacquer", "porcelain", "coral", "steel blue", "glass"]


def new_scene() -> bpy.types.Scene:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.preferences.filepaths.save_version = 0  # no .blend1 beside it
    return bpy.context.scene


def make_material(name: str) -> bpy.types.Material:
    """Diffuse under a clear reflection: looks like the Principled shader here and renders a fifth faster."""
    colour, roughness = MATERIALS[name]
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.remove(nodes["Principled BSDF"])
    fresnel, mix = nodes.new("ShaderNodeFresnel"), nodes.new("ShaderNodeMixShader")
    diffuse, gloss = nodes.new("ShaderNodeBsdfDiffuse"), nodes.new("ShaderNodeBsdfAnisotropic")
    diffuse.inputs["Color"].default_value = (*colour, 1)
    gloss.distribution, gloss.inputs["Roughness"].default_value = "GGX", roughness
    for number, source in enumerate((fresnel, diffuse, gloss)):
        links.new(source.outputs[0], mix.inputs[number])
    links.new(mix.outputs[0], nodes["Material Output"].inputs["Surface"])
    return material


def make_glass() -> bpy.types.Material:
    material = bpy.data.materials.new("glass")
    material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes.remove(nodes["Principled BSDF"])
    glass = nodes.new("ShaderNodeBsdfGlass")
    glass.distribution, glass.inputs["Roughness"].default_value = "GGX", 0
    material.node_tree.links.new(glass.outputs[0], nodes["Material Output"].inputs["Surface"])
    return material


def sphere_mesh() -> bpy.types.Mesh:
    """One unit sphere shared by all: small file, little memory."""
    bpy.ops.mesh.primitive_uv_sphere_add(segments=48, ring_count=24, radius=1)
    made = bpy.context.object
    bpy.ops.object.shade_smooth()
    mesh = made.data
    bpy.data.objects.remove(made)
    return mesh


def too_close(place, others) -> bool:
    x, y, radius = place
    return any((x - ox) ** 2 + (y - oy) ** 2 < 4 * radius * oradius * 1.05 for ox, oy, oradius, _ in others)


def scatter(rng: random.Random) -> list[tuple[float, float, float, str]]:
    """The placed spheres and as many more as fit between and behind them, none touching another."""
    spheres = list(PLACED)
    while len(spheres) < SPHERES:
        y = rng.uniform(-0.4, 5.2)
        place = (rng.uniform(-3.4 - y * 0.35, 3.2 + y * 0.35), y, rng.choice([0.12, 0.16, 0.22, 0.30, 0.42, 0.5]))
        if not too_close(place, spheres):
            spheres.append((*place, rng.choice(PALETTE)))
    return spheres


def add_spheres(carousel: bpy.types.Object, materials: dict) -> None:
    mesh = sphere_mesh()
    for number, (x, y, radius, name) in enumerate(scatter(random.Random(SEED)), 1):
        sphere = bpy.data.objects.new(f"sphere {number:02}", mesh)
        bpy.context.collection.objects.link(sphere)
        sphere.location, sphere.scale, sphere.parent = (x, y, radius), (radius,) * 3, carousel
        if not mesh.materials:
            mesh.materials.append(None)  # the slot whose content each object names for itself
        sphere.material_slots[0].link = "OBJECT"
        sphere.material_slots[0].material = materials[name]


def add_carousel() -> bpy.types.Object:
    carousel = bpy.data.objects.new("carousel", None)
    bpy.context.collection.objects.link(carousel)
    carousel.location = (0, 0.3, 0)
    for frame in range(1, FRAMES + 2, 4):
        carousel.rotation_euler.z = radians(SWAY_DEGREES) * sin(2 * pi * (frame - 1) / FRAMES)
        carousel.keyframe_insert("rotation_euler", index=2, frame=frame)
    return carousel


def add_ring(material: bpy.types.Material) -> None:
    """The ring above the middle; half a turn brings it back onto itself."""
    bpy.ops.mesh.primitive_torus_add(major_radius=0.72, minor_radius=0.155, major_segments=96, minor_segments=32)
    ring = bpy.context.object
    bpy.ops.object.shade_smooth()
    ring.name, ring.location = "ring", (-0.22, 0.45, 1.62)
    ring.data.materials.append(material)
    ring.rotation_euler = (radians(82), 0, 0)
    for frame, turn in ((1, -12), (1 + FRAMES // 2, 78), (1 + FRAMES, 168)):
        ring.rotation_euler.z = radians(turn)
        ring.keyframe_insert("rotation_euler", index=2, frame=frame)
    make_linear(ring)


def make_linear(thing: bpy.types.Object) -> None:
    action = thing.animation_data.action
    for curve in action.layers[0].strips[0].channelbags[0].fcurves:
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"


def add_floor(material: bpy.types.Material) -> None:
    bpy.ops.mesh.primitive_plane_add(size=80)
    bpy.context.object.name = "floor"
    bpy.context.object.data.materials.append(material)


def add_light(name: str, place, target, *, watts: float, size: float, colour) -> None:
    light = bpy.data.lights.new(name, "AREA")
    light.energy, light.size, light.color = watts, size, colour
    lamp = bpy.data.objects.new(name, light)
    bpy.context.collection.objects.link(lamp)
    lamp.location = place
    lamp.rotation_euler = (Vector(target) - Vector(place)).to_track_quat("-Z", "Y").to_euler()


def add_lights(scene: bpy.types.Scene) -> None:
    """A warm key in front, a cool fill from the right and a cool rim from behind; the room is nearly dark and warm."""
    add_light("key", (-0.6, -5.6, 6.0), (0, 0.2, 0.4), watts=980, size=2.6, colour=(1.0, 0.83, 0.68))
    add_light("fill", (6.2, 0.4, 3.4), (0.4, 0.4, 0.3), watts=380, size=3.2, colour=(0.50, 0.66, 1.0))
    add_light("rim", (-2.8, 7.6, 5.0), (0, 1.2, 0.4), watts=760, size=3.6, colour=(0.62, 0.72, 1.0))
    world = bpy.data.worlds.new("room")
    scene.world = world
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.11, 0.052, 0.028, 1)
    world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0.6
    world.cycles.sampling_method = "NONE"


def add_camera(scene: bpy.types.Scene) -> None:
    camera = bpy.data.cameras.new("camera")
    camera.lens = 54
    camera.dof.use_dof = True
    camera.dof.focus_distance = 7.6
    camera.dof.aperture_fstop = 1.6
    thing = bpy.data.objects.new("camera", camera)
    bpy.context.collection.objects.link(thing)
    eye, target = Vector((-0.25, -7.6, 4.0)), Vector((-0.24, -0.12, 0.40))
    thing.location = eye
    thing.rotation_euler = (target - eye).to_track_quat("-Z", "Y").to_euler()
    scene.camera = thing


def set_render(scene: bpy.types.Scene) -> None:
    render = scene.render
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = 640, 360, 100
    render.fps = 24
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGB"
    scene.frame_start, scene.frame_end, scene.frame_step = 1, FRAMES, 1
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Base Contrast"
    cycles = scene.cycles
    cycles.device = "CPU"
    # Adaptive sampling looks only after every 16th sample, so it could not end a frame before that.
    cycles.samples, cycles.use_adaptive_sampling, cycles.use_light_tree = 12, False, False
    cycles.use_denoising, cycles.denoiser, cycles.denoising_quality = True, "OPENIMAGEDENOISE", "HIGH"
    cycles.denoising_prefilter = "FAST"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces, cycles.transmission_bounces = 4, 2, 2, 4
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4


def build() -> bpy.types.Scene:
    scene = new_scene()
    materials = {name: make_material(name) for name in MATERIALS} | {"glass": make_glass()}
    add_floor(materials["floor"])
    add_spheres(add_carousel(), materials)
    add_ring(materials["coral"])
    add_lights(scene)
    add_camera(scene)
    set_render(scene)
    return scene


def render_still(scene: bpy.types.Scene, path: Path, *, width: int, height: int, samples: int, frame: int) -> None:
    """One larger picture of the scene, for the sign-in page."""
    scene.frame_set(frame)
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.cycles.samples, scene.cycles.use_adaptive_sampling, scene.cycles.adaptive_threshold = samples, True, 0.01
    scene.render.image_settings.file_format = "WEBP" if path.suffix == ".webp" else "PNG"
    scene.render.image_settings.quality = 82
    scene.render.filepath = str(path.resolve())
    bpy.ops.render.render(write_still=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("blend", nargs="?", type=Path)
    parser.add_argument("--still", type=Path)
    parser.add_argument("--size", default="1600x1200")
    parser.add_argument("--samples", type=int, default=160)
    parser.add_argument("--frame", type=int, default=1)
    wanted = parser.parse_args()
    scene = build()
    if wanted.blend:
        bpy.ops.wm.save_as_mainfile(filepath=str(wanted.blend.resolve()), compress=True)
    if wanted.still:
        width, height = map(int, wanted.size.split("x"))
        render_still(scene, wanted.still, width=width, height=height, samples=wanted.samples, frame=wanted.frame)


main()
