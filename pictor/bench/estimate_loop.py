"""Runs inside Blender's interpreter: `estimate_loop.py scene width height frame:samples...` renders them one after the other.

One warm process with persistent data, as on a node; prints the seconds of each.
"""

import sys
import tempfile
import time

import bpy

scene_path, width, height, *shots = sys.argv[1:]
bpy.ops.wm.open_mainfile(filepath=scene_path, load_ui=False, use_scripts=False)
scene = bpy.context.scene
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = int(width), int(height), 100
scene.render.use_persistent_data = True
scene.render.image_settings.file_format = "PNG"
with tempfile.TemporaryDirectory() as folder:
    for shot in shots:
        frame, samples = map(int, shot.split(":"))
        scene.cycles.samples = samples
        scene.render.filepath = f"{folder}/{frame}.png"
        began = time.monotonic()
        scene.frame_set(frame)
        bpy.ops.render.render(write_still=True)
        print(f"seconds {time.monotonic() - began:.6f}", flush=True)
