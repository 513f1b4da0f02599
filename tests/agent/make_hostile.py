"""Run by the render environment's Python: .blend files that reach for the node, in the folder argv[1]; argv[2] is a picture outside."""

import sys
from pathlib import Path

import bpy

folder, outside = Path(sys.argv[1]), Path(sys.argv[2])


def new_scene():
    """An empty scene that a camera looks down on, flat colours."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.view_settings.view_transform = "Standard"
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location = (0, 0, 1)
    scene.collection.objects.link(camera)
    scene.camera = camera
    return scene


def shining(scene, image):
    """A plane over the whole picture that shows `image` as it is."""
    bpy.ops.mesh.primitive_plane_add(size=4)
    material = bpy.data.materials.new("Shining")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    texture, light, out = (nodes.new(f"ShaderNode{kind}") for kind in ("TexImage", "Emission", "OutputMaterial"))
    texture.image = image
    links.new(texture.outputs["Color"], light.inputs["Color"])
    links.new(light.outputs[0], out.inputs["Surface"])
    bpy.context.object.data.materials.append(material)


def save(name):
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / name), compress=True)


def picture_of_the_node(name, path):
    scene = new_scene()
    image = bpy.data.images.load(str(outside))
    shining(scene, image)
    image.filepath = path
    save(name)


def text_of_the_node(name, path):
    """Not a picture at all, but read as one."""
    scene = new_scene()
    image = bpy.data.images.new("secret", 4, 4)
    image.source, image.filepath = "FILE", path
    shining(scene, image)
    save(name)


def greedy():
    """A cube that becomes a hundred million faces when it is rendered."""
    scene = new_scene()
    bpy.ops.mesh.primitive_cube_add()
    for level in (6, 6):
        modifier = bpy.context.object.modifiers.new("More", "SUBSURF")
        modifier.levels, modifier.render_levels = 0, level
    assert scene.camera
    save("greedy.blend")


def make_green():
    image = bpy.data.images.new("green", 8, 8)
    image.pixels[:] = [0.0, 1.0, 0.0, 1.0] * 64
    image.filepath_raw, image.file_format = str(outside), "PNG"
    image.save()


make_green()
picture_of_the_node("inside.blend", "//green.png")
picture_of_the_node("absolute.blend", str(outside))
picture_of_the_node("upwards.blend", "//../" + outside.name)
text_of_the_node("passwd.blend", "/etc/passwd")
greedy()
