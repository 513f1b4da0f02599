"""What the job page and the estimate need to know of an open file. Call before `opening.disarm`."""

import bpy

from . import caches, external
from .engine_names import BLENDER_IDS, samples_of
from .opening import compositor_trees, file_outputs
from .pictures import DELIVERED
from .pipe import memory_bytes

LISTED_MAX = 100  # names in one list
NAME_MAX = 200
BYTES_PER_POLYGON = 500  # of Cycles' mesh and tree


def inspect(scene, wishes):
    return {
        **output(scene),
        **engine(scene, wishes),
        **compositing(scene),
        **scripts(),
        **external.files(listed),
        **caches.simulations(scene, listed),
        "blender_version_saved": ".".join(map(str, bpy.data.version[:2])),  # the third is not the release's
        "cameras": listed(sorted(item.name for item in scene.objects if item.type == "CAMERA")),
        "camera": scene.camera.name[:NAME_MAX] if scene.camera else "",
        "markers_bind_cameras": any(marker.camera for marker in scene.timeline_markers),
        "view_layers": listed([layer.name for layer in scene.view_layers if layer.use]),
        "nodes_unknown": listed(unknown_nodes()),
        "memory_bytes_estimate": memory_estimate_bytes(),
        "objects": len(scene.objects),
    }


def output(scene):
    render = scene.render
    return {
        "frame_start": scene.frame_start,
        "frame_end": scene.frame_end,
        "frame_step": scene.frame_step,
        "frame_current": scene.frame_current,
        "fps": render.fps / render.fps_base,
        "width": render.resolution_x,
        "height": render.resolution_y,
        "percentage": render.resolution_percentage,
        "format": DELIVERED.get(render.image_settings.file_format, "PNG"),
        "format_saved": render.image_settings.file_format,
        "depth_bits": int(render.image_settings.color_depth or 0),
        "transparent": render.film_transparent,
        "region": render.use_border,
        "stereo": render.use_multiview,
        "motion_blur": render.use_motion_blur,
    }


def engine(scene, wishes):
    cycles = scene.cycles
    return {
        "engine": scene.render.engine,
        "samples": wishes.samples,
        "samples_by_engine": {name: samples_of(scene, blender_id) for name, blender_id in BLENDER_IDS.items()},
        "denoise": wishes.denoise,
        "denoiser": cycles.denoiser if wishes.denoise else "",
        "adaptive_sampling": cycles.use_adaptive_sampling,
        "time_limit_seconds": cycles.time_limit,
        "osl": cycles.shading_system,
    }


def compositing(scene):
    """Is there a compositor, and how many of its nodes would write files of their own?"""
    tree = getattr(scene, "compositing_node_group", None) or getattr(scene, "node_tree", None)
    used = scene.render.use_compositing and tree is not None and (scene.use_nodes or bpy.app.version >= (5, 0))
    writers = sum(len(file_outputs(tree)) for tree in compositor_trees()) if used else 0
    return {"compositor": bool(used), "file_output_nodes": writers}


def scripts():
    """Scripts that Blender would have run on opening, had it been allowed to."""
    names = [text.name for text in bpy.data.texts if text.use_module]
    drivers = sum(1 for driver in all_drivers() if driver.type == "SCRIPTED" and not driver.is_simple_expression)
    blocked = bool(names or drivers or bpy.app.autoexec_fail)
    return {"scripts_blocked": blocked, "script_names": listed(names), "drivers_blocked": drivers}


def all_drivers():
    for item in all_data():
        for owner in (item, getattr(item, "node_tree", None), getattr(item, "shape_keys", None)):
            data = getattr(owner, "animation_data", None)
            yield from (curve.driver for curve in (data.drivers if data else ()))


def all_data():
    for kind in dir(bpy.data):
        found = getattr(bpy.data, kind, None)
        if isinstance(found, bpy.types.bpy_prop_collection):
            yield from found


def unknown_nodes():
    """Nodes of a kind that only an add-on brings."""
    trees = {
        tree for item in all_data() for tree in (item, getattr(item, "node_tree", None)) if isinstance(tree, bpy.types.NodeTree)
    }
    return sorted({node.label or node.name for tree in trees for node in tree.nodes if node.bl_idname == "NodeUndefined"})


def memory_estimate_bytes():
    """Loaded size, plus pictures as the engine keeps them, plus mesh and tree."""
    pictures = sum(image.size[0] * image.size[1] * 4 * (4 if image.is_float else 1) for image in bpy.data.images)
    polygons = sum(len(mesh.polygons) for mesh in bpy.data.meshes)
    return memory_bytes("VmRSS") + pictures + polygons * BYTES_PER_POLYGON


def listed(names):
    return [name[:NAME_MAX] for name in names[:LISTED_MAX]]
