"""Renders one frame into a file, with the values that the job mandates and everything else as in the file."""

import contextlib
import os
import shutil
import time

import bpy

from .engine_names import BLENDER_IDS
from .pictures import set_picture
from .pipe import Refusal
from .values import put, put_known

FOLDER = os.path.join(os.environ.get("TMPDIR", "/tmp"), "picture")  # the only place that is written
PREVIEW_SAMPLES = 8
NAME_MAX = 200


@contextlib.contextmanager
def frame(scene, wishes, command, progress):
    """Render one frame; gives the picture's path and the seconds it took inside Blender, and removes the picture."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER)
    try:
        set_camera(scene, wishes, command["camera"])
        set_sampling(scene, wishes, command)
        set_picture(scene, wishes, command)
        scene.render.filepath = os.path.join(FOLDER, "frame")
        bpy.app.handlers.render_stats[:] = [progress]
        started_at = time.monotonic()
        scene.frame_set(command["frame"])
        write_still(scene)
        yield only_picture(), time.monotonic() - started_at
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)


def write_still(scene):
    try:
        bpy.ops.render.render(write_still=True, scene=scene.name)
    except RuntimeError as error:
        words = str(error)
        reason = "out_of_memory" if "out of" in words.lower() and "memory" in words.lower() else "renderer_crashed"
        raise Refusal(reason, words[:400]) from error


def only_picture():
    names = os.listdir(FOLDER)
    if len(names) != 1:
        raise Refusal("output_invalid", f"the renderer wrote {len(names)} files")
    return os.path.join(FOLDER, names[0])


def set_camera(scene, wishes, name):
    """The named camera for every frame, or the file's own with its timeline markers."""
    chosen = scene.objects.get(name) if name else wishes.camera
    if name and (chosen is None or chosen.type != "CAMERA"):
        raise Refusal("no_camera", f"no camera named {name[:NAME_MAX]}")
    for marker, camera in wishes.marker_cameras:
        put(marker, camera=None if name else camera)
    bound = any(camera for _, camera in wishes.marker_cameras)
    if chosen is None and not bound:
        raise Refusal("no_camera", "the scene has no active camera")
    put(scene, camera=chosen)


def set_sampling(scene, wishes, command):
    engine = command.get("engine", "cycles")
    put(scene.render, engine=BLENDER_IDS[engine])
    if engine == "eevee":
        put(scene.eevee, taa_render_samples=command["samples"])
    else:
        set_cycles(scene.cycles, wishes, command)
        set_denoising(scene, wishes, command)


def set_denoising(scene, wishes, command):
    """Denoised as ordered; a part of a frame is not, but brings what denoising the whole needs."""
    denoise = wishes.denoise if command["denoise"] is None else command["denoise"]
    is_part = command.get("region") is not None
    put(scene.cycles, use_denoising=denoise and not is_part)
    for layer in scene.view_layers:
        needed = denoise and is_part and layer.cycles.use_denoising
        put(layer.cycles, denoising_store_passes=needed or wishes.stored_passes[layer.name])


def set_cycles(cycles, wishes, command):
    put(cycles, seed=command["seed"], use_animated_seed=False, samples=command["samples"])
    put(cycles, use_layer_samples=wishes.layer_samples if command["samples"] == wishes.cycles_samples else "IGNORE")
    put(cycles, denoiser="OPENIMAGEDENOISE")  # every node has it; OptiX's is another picture and needs a certain GPU
    put(cycles, time_limit=0.0)  # a clock in the picture would make it irreproducible
    put(cycles, sample_offset=0)
    put_known(cycles, use_sample_subset=False)


def preview(scene, wishes, width):
    """As `frame`: a small denoised picture of the current frame, as WebP; by Cycles, which needs no graphics driver."""
    size = scene.render.resolution_x, scene.render.resolution_y
    height = max(1, min(round(width * size[1] / size[0]), width * 3))
    command = {
        "camera": "",
        "seed": 0,
        "samples": PREVIEW_SAMPLES,
        "denoise": True,
        "width": width,
        "height": height,
        "format": "WEBP",
        "frame": scene.frame_current,
    }
    return frame(scene, wishes, command, lambda *_: None)
