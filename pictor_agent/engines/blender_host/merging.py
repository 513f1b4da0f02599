"""Finishes a frame whose parts were rendered apart: denoised as a whole, then the compositor, the view and the file as ever.

The parts come as one multilayer EXR with the passes of every view layer. An engine of our own hands them to Blender
where Cycles would: all that follows Cycles is Blender's, so the frame is the one that it would have rendered in one piece.
"""

import contextlib
import os
import shutil

import bpy
import numpy

from .pictures import set_picture
from .pipe import Refusal
from .rendering import FOLDER, only_picture, set_camera, set_denoising, write_still

FOR_DENOISING = ("Denoising Normal", "Denoising Albedo", "Denoising Depth")
NOISY = "Noisy Image"
KINDS = {1: "VALUE", 2: "VECTOR", 3: "VECTOR"}
DENOISED = os.path.join(os.environ.get("TMPDIR", "/tmp"), "denoised.exr")


@contextlib.contextmanager
def merged(scene, wishes, command):
    """Gives the path of the finished frame, and removes it."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER)
    try:
        set_camera(scene, wishes, command["camera"])
        set_picture(scene, wishes, command)
        set_denoising(scene, wishes, command)
        scene.frame_set(command["frame"])
        Merged.noisy = Merged.finished = command["merged"]
        denoise = scene.cycles.use_denoising
        Merged.layers = {
            name: delivered(passes, wishes.stored_passes.get(name), denoise) for name, passes in command["layers"].items()
        }
        if denoise:
            Merged.finished = denoised(scene, command["merged"])
        without_geometry(scene)
        scene.render.use_freestyle = False  # its lines are in the parts
        scene.render.engine = Merged.bl_idname
        scene.render.filepath = os.path.join(FOLDER, "frame")
        write_still(scene)
        yield only_picture()
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)


def delivered(passes, stored, denoise):
    """The passes that Cycles would have delivered, in its order: the guides of denoising only where the file keeps them."""
    guides = {name: channels for name, channels in passes.items() if name in FOR_DENOISING}
    before = {name: channels for name, channels in passes.items() if name not in guides}
    noisy = {NOISY: "RGBA"} if denoise and guides else {}
    return {**before, **noisy, **(guides if stored else {})}


def denoised(scene, path):
    """Cycles' own denoiser over the whole picture; returns the path of what it wrote."""
    scene.cycles.denoiser = "OPENIMAGEDENOISE"
    try:
        bpy.ops.cycles.denoise_animation(input_filepath=path, output_filepath=DENOISED)
    except RuntimeError as error:
        raise Refusal("renderer_crashed", str(error)[:400]) from error
    return DENOISED


def without_geometry(scene):
    """Nothing is rendered any more: what the compositor can see of objects is their camera and its focus."""
    if len(bpy.data.scenes) > 1:
        return
    seen = {camera.data.dof.focus_object for camera in scene.objects if camera.type == "CAMERA"}
    bpy.data.batch_remove([item for item in bpy.data.objects if item.type not in {"CAMERA", "EMPTY"} and item not in seen])


class Merged(bpy.types.RenderEngine):
    """Stands where Cycles would."""

    bl_idname, bl_label = "PICTOR_MERGED", "Merged tiles"
    bl_use_postprocess = True
    noisy = finished = ""
    layers: dict[str, dict[str, str]] = {}

    def update_render_passes(self, scene=None, renderlayer=None):
        for name, channels in self.layers.get(renderlayer.name, {}).items():
            self.register_pass(scene, renderlayer, name, len(channels), channels, KINDS.get(len(channels), "COLOR"))

    def render(self, depsgraph):
        layer = depsgraph.view_layer_eval.name
        for name, channels in self.layers[layer].items():
            if name != "Combined":
                self.add_pass(name, len(channels), channels, layer=layer)
        width, height = depsgraph.scene.render.resolution_x, depsgraph.scene.render.resolution_y
        result = self.begin_result(0, 0, width, height, layer=layer)
        result.load_from_file(self.noisy)
        noisy = samples_of(result.layers[0].passes["Combined"], width, height)
        result.load_from_file(self.finished)
        for each in result.layers[0].passes:
            samples = noisy if each.name == NOISY else samples_of(each, width, height)
            each.rect.foreach_set(numpy.ascontiguousarray(samples[::-1]).ravel())
        self.end_result(result)


def samples_of(render_pass, width, height):
    """The rows as they lie in the file: from the bottom up, as Cycles denoises them."""
    samples = numpy.empty(width * height * render_pass.channels, numpy.float32)
    render_pass.rect.foreach_get(samples)
    return samples.reshape(height, width, -1)


bpy.utils.register_class(Merged)
