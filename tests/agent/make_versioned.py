"""Run by the render environment's Python of any version: layers.blend, eevee.blend and paths.blend into the folder argv[1]."""

import sys
from pathlib import Path

import bpy

folder = Path(sys.argv[1])
NEW = bpy.app.version >= (5, 0)


def new_scene():
    """The factory's lit cube, 32 x 18 pixels, one sample."""
    bpy.ops.wm.read_factory_settings(use_empty=False)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y = 32, 18
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.frame_start, scene.frame_end = 3, 12
    return scene


def save(name, *, compress):
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / name), compress=compress)


def compositor(scene):
    if NEW:
        tree = scene.compositing_node_group = bpy.data.node_groups.new("Compositing", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        return tree, tree.nodes.new("NodeGroupOutput")
    scene.use_nodes = True
    scene.node_tree.nodes.clear()
    return scene.node_tree, scene.node_tree.nodes.new("CompositorNodeComposite")


def layers():
    """Two view layers with passes, a compositor that inverts, a File Output node, and cloth that is not baked."""
    scene = new_scene()
    scene.view_layers[0].use_pass_z = True
    scene.view_layers.new("Second")
    tree, out = compositor(scene)
    source, invert, file = (tree.nodes.new(f"CompositorNode{kind}") for kind in ("RLayers", "Invert", "OutputFile"))
    if NEW:
        file.directory, file.file_name = sys.argv[1], "written-by-node"
        file.file_output_items.new("RGBA", "Image")
    else:
        file.base_path = sys.argv[1] + "/written-by-node"
    tree.links.new(source.outputs["Image"], invert.inputs["Color"])
    tree.links.new(invert.outputs[0], out.inputs[0])
    tree.links.new(invert.outputs[0], file.inputs[0])
    bpy.data.objects["Cube"].modifiers.new("Cloth", "CLOTH")
    if hasattr(scene.render.image_settings, "media_type"):
        scene.render.image_settings.media_type = "MULTI_LAYER_IMAGE"
    scene.render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
    save("layers.blend", compress=False)


def eevee():
    scene = new_scene()
    scene.render.engine = "BLENDER_EEVEE" if NEW else "BLENDER_EEVEE_NEXT"
    scene.eevee.taa_render_samples = 1
    save("eevee.blend", compress=True)


def paths():
    """A picture by an absolute path whose file came along, one that is not there, and a set of tiles that is."""
    new_scene()
    (folder / "textures").mkdir(exist_ok=True)
    for name in ("wood.png", "tile.1001.png"):
        (folder / "textures" / name).write_bytes(b"")
    for path in ("C:\\tex\\wood.png", "//textures/gone.png", "//textures/tile.<UDIM>.png"):
        image = bpy.data.images.new(path, 4, 4)
        image.source, image.filepath, image.use_fake_user = ("TILED" if "UDIM" in path else "FILE"), path, True
    save("paths.blend", compress=True)


layers()
eevee()
paths()
