"""Runs inside Blender's interpreter: `estimate_loop.py scene width height frame:samples...` renders them one after the other.

By the functions of a node's renderer, in one warm process; prints of each the seconds that a node would report, and the
seconds of processor time it needed.
"""

import sys
import time
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parents[2] / "pictor_agent" / "engines"))
from blender_host import opening, rendering

del sys.path[0]
scene_path, width, height, *shots = sys.argv[1:]
wishes = opening.open_scene(scene_path)
opening.disarm()
size = {"width": int(width), "height": int(height)}
usual = {"camera": "", "seed": 1, "denoise": None, "format": "PNG", **size}
for shot in shots:
    frame, samples = map(int, shot.split(":"))
    command = {**usual, "frame": frame, "samples": samples}
    began = time.process_time()
    with rendering.frame(bpy.context.scene, wishes, command, lambda *_: None) as (_, seconds):
        print(f"seconds {seconds:.6f} {time.process_time() - began:.6f}", flush=True)
