"""Runs INSIDE a Blender, within the sandbox: opens one scene, then renders frames on command until told to quit.

Plain standard library and bpy; never imported by the agent. Commands are JSON lines on standard input, answers JSON
lines on the descriptor that standard output had at the start; a picture follows its answer as raw bytes. Blender's own
noise on standard output goes to standard error. The agent believes nothing that is said here.

No effect of one command may be seen in the next: a warm process gives the pixels of a fresh one.
"""

import json
import os
import re
import shutil
import sys
import time

FOLDER = os.path.join(os.environ.get("TMPDIR", "/tmp"), "picture")  # the only place that is written
PROGRESS_SECONDS = 0.25
PREVIEW_SAMPLES = 8
LISTED_MAX = 100  # names in one list of an inspection
NAME_MAX = 200
FILE_FORMATS = {"PNG": "PNG", "JPEG": "JPEG", "OPEN_EXR": "OPEN_EXR", "OPEN_EXR_MULTILAYER": "OPEN_EXR"}
DEPTHS = {"PNG": ("8", "16"), "JPEG": ("8",), "OPEN_EXR": ("16", "32"), "WEBP": ("8",)}
GPU_FILES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dri")
GPU_KINDS = ("OPTIX", "CUDA", "HIP", "ONEAPI")
# What an animation or a driver in the file may not move, because the job says it.
MANDATED = ("cycles.seed", "cycles.samples", "cycles.time_limit", "cycles.use_animated_seed", "cycles.use_sample_subset",
            "cycles.sample_", "cycles.device", "render.resolution", "render.filepath", "render.use_border",
            "render.image_settings", "render.use_stamp")  # fmt: skip
BUNDLED = "/datafiles/assets/"  # brushes that every installation has, wherever the artist's own lay
SIMULATING = {"CLOTH", "SOFT_BODY", "FLUID", "DYNAMIC_PAINT", "PARTICLE_SYSTEM"}


class Refusal(Exception):
    """A command that cannot be done; `reason` is one of protocol.FailureReason."""

    def __init__(self, reason, detail=""):
        super().__init__(detail)
        self.reason = reason


# The pipe -------------------------------------------------------------------------------------------------------------


class Pipe:
    """Commands in, answers out, on descriptors that Blender does not know."""

    def __init__(self):
        self.commands = os.fdopen(os.dup(0), "r", encoding="utf-8")
        self.answers = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)

    def say(self, event, picture=None, **fields):
        if picture is not None:
            fields["size_bytes"] = os.path.getsize(picture)
        self.answers.write(json.dumps({"event": event, **fields}).encode() + b"\n")
        if picture is not None:
            with open(picture, "rb") as source:
                shutil.copyfileobj(source, self.answers, 1 << 20)
        self.answers.flush()


class Progress:
    """Turns Blender's status lines into a fraction, a few times a second."""

    def __init__(self, pipe):
        self.pipe, self.said_at = pipe, 0.0

    def __call__(self, stats, *_):
        found = re.search(r"Sample (\d+)/(\d+)", str(stats))
        now = time.monotonic()
        if found is None or now - self.said_at < PROGRESS_SECONDS:
            return
        self.said_at = now
        done, total = int(found[1]), max(int(found[2]), 1)
        self.pipe.say("progress", fraction=min(done / total, 1.0), note=f"sample {done} of {total}")


def memory_bytes(field):
    """`VmRSS` (now) or `VmHWM` (the most so far) of this process; 0 where /proc is absent."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field + ":"))
    except (OSError, StopIteration):
        return 0


# Opening --------------------------------------------------------------------------------------------------------------


def open_scene(path):
    """Load the file with every script off; returns what the file itself wanted, for overrides that say "as in the file"."""
    bpy.context.preferences.filepaths.use_scripts_auto_execute = False
    try:
        bpy.ops.wm.open_mainfile(filepath=path, load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise Refusal("scene_unreadable", str(error)[:400]) from error
    scene = bpy.context.scene
    if scene is None:
        raise Refusal("scene_unreadable", "the file holds no scene")
    return Wishes(scene)


class Wishes:
    """The file's own settings where a job may say "as in the file"."""

    def __init__(self, scene):
        settings = scene.render.image_settings
        self.camera = scene.camera
        self.denoise = scene.cycles.use_denoising
        self.samples = scene.cycles.samples
        self.layer_samples = scene.cycles.use_layer_samples
        self.format, self.depth, self.colours = settings.file_format, settings.color_depth, settings.color_mode
        self.marker_cameras = [(marker, marker.camera) for marker in scene.timeline_markers]


def disarm():
    """Take out of the open file whatever writes elsewhere, runs, or moves a mandated value."""
    for text in list(bpy.data.texts):
        bpy.data.texts.remove(text)
    for tree in compositor_trees():
        for node in [node for node in tree.nodes if node.type == "OUTPUT_FILE"]:
            tree.nodes.remove(node)
    for scene in bpy.data.scenes:
        remove_mandated_animation(scene)


def compositor_trees():
    """Every compositor tree, nested groups included. Until 4.5 the scene's own tree hangs on the scene."""
    own = [getattr(scene, "node_tree", None) for scene in bpy.data.scenes]
    groups = [tree for tree in bpy.data.node_groups if tree.bl_idname == "CompositorNodeTree"]
    return [tree for tree in own + groups if tree is not None and tree.library is None]


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


def choose_device(scene):
    """Every GPU of the best kind that Cycles sees, else the CPU. Returns the kind."""
    scene.cycles.device = "CPU"
    if not any(os.path.exists(path) for path in GPU_FILES):
        return "CPU"
    preferences = bpy.context.preferences.addons["cycles"].preferences
    for kind in GPU_KINDS:
        try:
            preferences.compute_device_type = kind
        except TypeError:  # this build does not know the kind
            continue
        devices = [device for device in preferences.get_devices_for_type(kind) if device.type == kind]
        if devices:
            for device in preferences.devices:
                device.use = device.type == kind
            scene.cycles.device = "GPU"
            return kind
    return "CPU"


# Rendering ------------------------------------------------------------------------------------------------------------


def render(scene, wishes, command, progress):
    """Render one frame; returns the picture's path and the seconds it took inside Blender."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER)
    set_camera(scene, wishes, command["camera"])
    set_sampling(scene, wishes, command)
    set_picture(scene, wishes, command)
    scene.render.filepath = os.path.join(FOLDER, "frame")
    bpy.app.handlers.render_stats[:] = [progress]
    started_at = time.monotonic()
    scene.frame_set(command["frame"])
    write_still(scene)
    return only_picture(), time.monotonic() - started_at


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
        marker.camera = None if name else camera
    bound = any(camera for _, camera in wishes.marker_cameras)
    if chosen is None and not bound:
        raise Refusal("no_camera", "the scene has no active camera")
    scene.camera = chosen


def set_sampling(scene, wishes, command):
    cycles = scene.cycles
    scene.render.engine = "CYCLES"
    cycles.seed = command["seed"]
    cycles.use_animated_seed = False
    cycles.samples = command["samples"]
    cycles.use_layer_samples = wishes.layer_samples if command["samples"] == wishes.samples else "IGNORE"
    cycles.use_denoising = wishes.denoise if command["denoise"] is None else command["denoise"]
    cycles.time_limit = 0.0  # a clock in the picture would make it irreproducible
    cycles.sample_offset = 0
    if hasattr(cycles, "use_sample_subset"):
        cycles.use_sample_subset = False


def set_picture(scene, wishes, command):
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = command["width"], command["height"], 100
    render.use_border = render.use_crop_to_border = render.use_multiview = render.use_stamp = False
    render.use_persistent_data = True
    render.use_file_extension = True
    render.use_overwrite, render.use_placeholder = True, False
    for name in dir(render):  # dates, paths and host names in the picture's header
        if name.startswith("use_stamp_"):
            setattr(render, name, False)
    set_format(render.image_settings, wishes, command["format"])


def set_format(settings, wishes, chosen):
    """The chosen format, with the file's depth and channels where that format has them."""
    if hasattr(settings, "media_type"):  # 5.0 and newer
        settings.media_type = "IMAGE"
    settings.file_format = chosen
    settings.color_mode = colours_for(chosen, wishes)
    depths = DEPTHS[chosen]
    same = FILE_FORMATS.get(wishes.format) == chosen
    settings.color_depth = wishes.depth if same and wishes.depth in depths else depths[0]


def colours_for(chosen, wishes):
    if chosen == "JPEG" and wishes.colours == "RGBA":
        return "RGB"
    return wishes.colours


# Inspecting -----------------------------------------------------------------------------------------------------------


def inspect(scene, wishes):
    """What the job page and the estimate need to know. Call before `disarm`."""
    return {
        **inspect_output(scene),
        **inspect_scripts(),
        "blender_version_saved": ".".join(map(str, bpy.data.version[:2])),  # the third is not the release's
        "engine": scene.render.engine,
        "samples": wishes.samples,
        "denoise": wishes.denoise,
        "cameras": listed(sorted(item.name for item in scene.objects if item.type == "CAMERA")),
        "camera": scene.camera.name[:NAME_MAX] if scene.camera else "",
        "missing_files": listed(missing_files()),
        "simulations": listed(simulations(scene)),
        "memory_bytes_estimate": memory_estimate_bytes(),
        "objects": len(scene.objects),
    }


def inspect_output(scene):
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
        "format": FILE_FORMATS.get(render.image_settings.file_format, "PNG"),
        "format_saved": render.image_settings.file_format,
        "transparent": render.film_transparent,
    }


def inspect_scripts():
    """Scripts that Blender would have run on opening, had it been allowed to."""
    names = [text.name for text in bpy.data.texts if text.use_module]
    drivers = sum(1 for driver in all_drivers() if driver.type == "SCRIPTED" and not driver.is_simple_expression)
    blocked = bool(names or drivers or bpy.app.autoexec_fail)
    return {"scripts_blocked": blocked, "script_names": listed(names), "drivers_blocked": drivers}


def all_drivers():
    for kind in dir(bpy.data):
        for item in collection(kind):
            for owner in (item, getattr(item, "node_tree", None), getattr(item, "shape_keys", None)):
                data = getattr(owner, "animation_data", None)
                yield from (curve.driver for curve in (data.drivers if data else ()))


def collection(kind):
    found = getattr(bpy.data, kind, None)
    return found if isinstance(found, bpy.types.bpy_prop_collection) else ()


def missing_files():
    """Paths that the scene names and that do not lie in its folder, as the artist wrote them where that can be said."""
    root = os.environ.get("PICTOR_SCENE", "/scene")
    found = []
    for path in bpy.utils.blend_paths(absolute=True, packed=False):
        if BUNDLED in path.replace("\\", "/"):
            continue
        inside = os.path.normpath(path).startswith(root + os.sep)
        if not inside or not os.path.exists(path):
            found.append(os.path.relpath(path, root) if inside else path)
    return sorted(set(found))


def simulations(scene):
    """Objects whose state follows from earlier frames; frames rendered apart may differ from a playback."""
    names = [item.name for item in scene.objects if any(m.type in SIMULATING for m in item.modifiers)]
    if scene.rigidbody_world is not None:
        names.append("Rigid Body World")
    return sorted(names)


def memory_estimate_bytes():
    """Loaded size, plus pictures as Cycles keeps them, plus about 500 bytes a polygon for its mesh and tree."""
    pictures = sum(image.size[0] * image.size[1] * 4 * (4 if image.is_float else 1) for image in bpy.data.images)
    polygons = sum(len(mesh.polygons) for mesh in bpy.data.meshes)
    return memory_bytes("VmRSS") + pictures + polygons * 500


def listed(names):
    return [name[:NAME_MAX] for name in names[:LISTED_MAX]]


def preview(scene, wishes, width):
    """A small denoised picture of the current frame, as WebP."""
    size = scene.render.resolution_x, scene.render.resolution_y
    height = max(1, min(round(width * size[1] / size[0]), width * 3))
    command = {"camera": "", "seed": 0, "samples": PREVIEW_SAMPLES, "denoise": True, "width": width, "height": height,
               "format": "WEBP", "frame": scene.frame_current}  # fmt: skip
    return render(scene, wishes, command, lambda *_: None)[0]


# The loop -------------------------------------------------------------------------------------------------------------


class Host:
    """One scene at a time; answers each command with exactly one final event."""

    def __init__(self, pipe):
        self.pipe, self.wishes = pipe, None

    @property
    def scene(self):
        if self.wishes is None:
            raise Refusal("agent_error", "no scene is open")
        return bpy.context.scene

    def open(self, command):
        started_at = time.monotonic()
        self.wishes = open_scene(command["main"])
        inspection = inspect(self.scene, self.wishes) if command.get("inspect") else None
        disarm()
        device = choose_device(self.scene)
        seconds = time.monotonic() - started_at
        self.pipe.say("opened", seconds=seconds, device=device, inspection=inspection, memory_bytes=memory_bytes("VmRSS"))

    def render(self, command):
        path, seconds = render(self.scene, self.wishes, command, Progress(self.pipe))
        self.pipe.say("rendered", path, seconds=seconds,
                      memory_bytes=memory_bytes("VmRSS"), peak_memory_bytes=memory_bytes("VmHWM"))  # fmt: skip
        os.unlink(path)

    def preview(self, command):
        path = preview(self.scene, self.wishes, command["width"])
        self.pipe.say("previewed", path)

    def serve(self):
        self.pipe.say("ready", version=bpy.app.version_string)
        for line in self.pipe.commands:
            command = json.loads(line)
            if command["command"] == "quit":
                return
            self.obey(command)

    def obey(self, command):
        verbs = {"open": self.open, "render": self.render, "preview": self.preview}
        try:
            verbs[command["command"]](command)
        except Refusal as refusal:
            self.pipe.say("failed", reason=refusal.reason, detail=str(refusal))
        except MemoryError:
            self.pipe.say("failed", reason="out_of_memory", detail="")
        except Exception as error:
            self.pipe.say("failed", reason="renderer_crashed", detail=f"{type(error).__name__}: {error}"[:400])


if __name__ == "__main__":
    first = Pipe()  # before bpy: importing it already prints
    import bpy

    Host(first).serve()
    sys.stderr.flush()
    os._exit(0)  # skips Blender's slow and sometimes crashing teardown
