"""Which device Cycles renders on: every GPU of the best kind that it sees, else the CPU."""

import os
import sys

from .pipe import Refusal

KINDS = ("OPTIX", "CUDA", "HIP", "METAL", "ONEAPI")  # fastest first; OptiX and CUDA are two ways to the same card
GPU_FILES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dri")  # without any of them no library needs to be asked (Linux)


def choose(wanted, counts):
    """The kind to render on.

    Args:
        wanted: "any", "gpu" or "cpu".
        counts: kind -> number of devices of it.

    Raises:
        Refusal: a GPU was ordered and there is none.
    """
    best = next((kind for kind in KINDS if counts.get(kind)), "CPU")
    if wanted == "cpu":
        return "CPU"
    if wanted == "gpu" and best == "CPU":
        raise Refusal("no_gpu", "Blender sees no GPU on this node")
    return best


def seen():
    """Kind -> number of devices, of every kind that this build of Blender knows."""
    if sys.platform == "linux" and not any(os.path.exists(path) for path in GPU_FILES):
        return {}
    return {kind: len(of_kind(kind)) for kind in KINDS}


def of_kind(kind):
    """Cycles' devices of a kind; none where this build does not know it or its driver is absent."""
    try:
        return [device for device in preferences().get_devices_for_type(kind) if device.type == kind]
    except (TypeError, ValueError):
        return []


def preferences():
    import bpy

    return bpy.context.preferences.addons["cycles"].preferences


def use(scene, wanted):
    """Let Cycles render on the chosen kind; returns it. A kind that Cycles then refuses is passed over."""
    counts = seen()
    while (kind := choose(wanted, counts)) != "CPU":
        try:
            switch_on(kind)
        except TypeError:
            counts[kind] = 0
            continue
        scene.cycles.device = "GPU"
        return kind
    scene.cycles.device = "CPU"
    return kind


def switch_on(kind):
    chosen = preferences()
    chosen.compute_device_type = kind
    of_kind(kind)  # fills chosen.devices
    for device in chosen.devices:
        device.use = device.type == kind
