"""Run by the render environment's Python: writes the .blend files of these tests into the folder argv[1]."""

import sys
from pathlib import Path

import bpy

folder = Path(sys.argv[1])


def new_scene():
    """A lit, animated cube with a glossy material, 32 x 18 pixels, one sample."""
    bpy.ops.wm.read_factory_settings(use_empty=False)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y = 32, 18
    scene.cycles.samples = 1
    scene.cycles.use_denoising = False
    scene.frame_start, scene.frame_end = 1, 10
    cube = bpy.data.objects["Cube"]
    cube.keyframe_insert("rotation_euler", frame=1)
    cube.rotation_euler.z = 2.0
    cube.keyframe_insert("rotation_euler", frame=10)
    return scene


def save(name):
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / name), compress=True)


def plain():
    scene = new_scene()
    second = bpy.data.objects.new("Second", bpy.data.cameras.new("Second"))
    second.location = (0, 0, 9)
    scene.collection.objects.link(second)
    save("plain.blend")


def without_camera():
    scene = new_scene()
    scene.camera = None
    save("no_camera.blend")


def hostile():
    """Scripts, drivers, a mandated value that is animated, and nodes and pictures that reach outside."""
    scene = new_scene()
    text = bpy.data.texts.new("evil.py")
    text.write("open('/tmp/pwned-by-script', 'w').write('x')\n")
    text.use_module = True
    add_driver(bpy.data.objects["Cube"], "location", "__import__('os').getpid() and 100")
    scene.cycles.seed = 1
    scene.cycles.keyframe_insert("seed", frame=1)
    scene.cycles.seed = 9_999
    scene.cycles.keyframe_insert("seed", frame=10)
    scene.render.filepath = "/tmp/pwned-by-filepath"
    scene.render.use_stamp = True
    add_file_output(scene)
    image = bpy.data.images.new("outside", 4, 4)
    image.source, image.filepath = "FILE", "/etc/hostname"
    image.use_fake_user = True
    missing = bpy.data.images.new("missing", 4, 4)
    missing.source, missing.filepath = "FILE", "//textures/wood.png"
    missing.use_fake_user = True
    save("hostile.blend")


def add_driver(owner, path, expression):
    driver = owner.driver_add(path, 0).driver
    driver.type, driver.expression = "SCRIPTED", expression


def add_file_output(scene):
    """A compositor that darkens the picture and also writes it somewhere else."""
    tree = bpy.data.node_groups.new("Compositing", "CompositorNodeTree")
    scene.compositing_node_group = tree
    tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    layers, out = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("NodeGroupOutput")
    invert, file = tree.nodes.new("CompositorNodeInvert"), tree.nodes.new("CompositorNodeOutputFile")
    file.directory, file.file_name = sys.argv[2], "pwned"
    file.file_output_items.new("RGBA", "Image")
    tree.links.new(layers.outputs["Image"], invert.inputs["Color"])
    tree.links.new(invert.outputs[0], out.inputs[0])
    tree.links.new(invert.outputs[0], file.inputs[0])


plain()
without_camera()
hostile()
