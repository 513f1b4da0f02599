"""Opens a stranger's file with every script off, and takes out of it what writes elsewhere, runs, or moves a mandated value."""

import bpy

from .engine_names import samples_of
from .pipe import Refusal

# What an animation or a driver in the file may not move, because the job says it.
MANDATED = (
    "cycles.seed",
    "cycles.samples",
    "cycles.time_limit",
    "cycles.use_animated_seed",
    "cycles.use_sample_subset",
    "cycles.sample_",
    "cycles.device",
    "cycles.denoiser",
    "eevee.taa_render_samples",
    "render.resolution",
    "render.filepath",
    "render.use_border",
    "render.image_settings",
    "render.use_stamp",
)


def open_scene(path):
    """Load the file; returns what it wanted itself, for overrides that say "as in the file"."""
    bpy.context.preferences.filepaths.use_scripts_auto_execute = False
    try:
        bpy.ops.wm.open_mainfile(filepath=path, load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise Refusal("scene_unreadable", str(error)[:400]) from error
    scene = bpy.context.scene
    if scene is None:
        raise Refusal("scene_unreadable", "the file holds no scene")
    return Wishes(scene)


def open_own_scene():
    """Blender's own first scene: a cube, a lamp and a camera."""
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    return Wishes(bpy.context.scene)


class Wishes:
    """The file's own settings where a job may say "as in the file"."""

    def __init__(self, scene):
        settings = scene.render.image_settings
        self.camera = scene.camera
        self.engine = scene.render.engine
        self.denoise = scene.cycles.use_denoising
        self.samples = samples_of(scene, scene.render.engine)
        self.cycles_samples = scene.cycles.samples
        self.layer_samples = scene.cycles.use_layer_samples
        self.format, self.depth, self.colours = settings.file_format, settings.color_depth, settings.color_mode
        self.quality = settings.quality
        self.compositing, self.sequencer = scene.render.use_compositing, scene.render.use_sequencer
        self.stored_passes = {layer.name: layer.cycles.denoising_store_passes for layer in scene.view_layers}
        self.marker_cameras = [(marker, marker.camera) for marker in scene.timeline_markers]


def disarm():
    for text in list(bpy.data.texts):
        bpy.data.texts.remove(text)
    for tree in compositor_trees():
        for node in file_outputs(tree):
            tree.nodes.remove(node)
    for scene in bpy.data.scenes:
        remove_mandated_animation(scene)


def compositor_trees():
    """Every compositor tree, nested groups included, linked ones made local. Until 4.5 the scene's own tree hangs on the scene."""
    own = [getattr(scene, "node_tree", None) for scene in bpy.data.scenes]
    groups = [tree for tree in bpy.data.node_groups if tree.bl_idname == "CompositorNodeTree"]
    return [tree if tree.library is None else tree.make_local() for tree in own + groups if tree is not None]


def file_outputs(tree):
    """Nodes that write a file of their own, wherever it says."""
    return [node for node in tree.nodes if node.type == "OUTPUT_FILE"]


def remove_mandated_animation(scene):
    if scene.animation_data is None:
        return
    lists = [scene.animation_data.drivers, *(curves for action in actions_of(scene) for curves in curve_lists(action))]
    for curves in lists:
        for curve in [curve for curve in curves if curve.data_path.startswith(MANDATED)]:
            curves.remove(curve)


def actions_of(scene):
    strips = [strip for track in scene.animation_data.nla_tracks for strip in track.strips]
    return [action for action in [scene.animation_data.action, *(strip.action for strip in strips)] if action]


def curve_lists(action):
    """The lists of curves in an action, in the layered form (4.4 and newer) or the old one."""
    if hasattr(action, "layers"):
        return [bag.fcurves for layer in action.layers for strip in layer.strips for bag in strip.channelbags]
    return [action.fcurves]
