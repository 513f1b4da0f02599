"""Run by the render environment's Python: writes the .blend files of test_tiles into the folder argv[1]."""

import sys
from pathlib import Path

import bpy

folder = Path(sys.argv[1])


def new_scene():
    bpy.ops.wm.read_factory_settings(use_empty=False)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.use_denoising = True
    scene.cycles.use_adaptive_sampling = False
    return scene


def save(name):
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / name), compress=True)


def adaptive():
    scene = new_scene()
    scene.cycles.use_adaptive_sampling = True
    scene.cycles.adaptive_threshold, scene.cycles.adaptive_min_samples = 0.5, 1
    save("adaptive.blend")


def layers():
    """Two view layers with passes, composited into one another; the second keeps its passes for denoising."""
    scene = new_scene()
    scene.view_layers[0].use_pass_z = True
    second = scene.view_layers.new("Second")
    second.use_pass_normal = True
    second.cycles.denoising_store_passes = True
    tree = new_tree(scene)
    first, other = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("CompositorNodeRLayers")
    other.layer = "Second"
    glare, out = tree.nodes.new("CompositorNodeGlare"), tree.nodes.new("NodeGroupOutput")
    over = tree.nodes.new("CompositorNodeAlphaOver")
    tree.links.new(first.outputs["Image"], over.inputs[1])
    tree.links.new(other.outputs["Noisy Image"], over.inputs[2])
    tree.links.new(over.outputs[0], glare.inputs[0])
    tree.links.new(glare.outputs[0], out.inputs[0])
    save("layers.blend")


def new_tree(scene):
    tree = bpy.data.node_groups.new("Compositing", "CompositorNodeTree")
    scene.compositing_node_group = tree
    tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    return tree


new_scene()
save("plain.blend")
adaptive()
layers()
