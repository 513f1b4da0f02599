"""Runs inside Blender's interpreter: `blender_loop.py scene width height samples frame...` renders the frames one after the
other in one process and prints the seconds of all but the first, which warms it up.
"""

import sys
import tempfile
import time

import bpy

scene_path, *numbers = sys.argv[1:]
width, height, samples, *frames = map(int, numbers)
bpy.ops.wm.open_mainfile(filepath=scene_path, load_ui=False, use_scripts=False)
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = width, height, 100
scene.cycles.samples = samples
scene.cycles.use_denoising = False
scene.render.use_persistent_data = True
scene.render.image_settings.file_format = "PNG"
began = time.perf_counter()
with tempfile.TemporaryDirectory() as folder:
    for number, frame in enumerate(frames):
        if number == 1:
            began = time.perf_counter()
        scene.frame_set(frame)
        scene.render.filepath = f"{folder}/{frame}.png"
        bpy.ops.render.render(write_still=True)
    print(f"seconds {time.perf_counter() - began:.6f}")
