"""Run by the render environment's Python: a plain render of one frame, written without any of our code.

argv: file, frame, seed, width, height, samples, target, and an engine other than the file's
"""

import sys

import bpy

path, frame, seed, width, height, samples, target, *engine = sys.argv[1:]
bpy.ops.wm.open_mainfile(filepath=path, load_ui=False, use_scripts=False)
scene = bpy.context.scene
scene.render.engine = engine[0] if engine else scene.render.engine
scene.cycles.seed = int(seed)
scene.cycles.use_animated_seed = False
scene.cycles.samples = int(samples)
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = int(width), int(height), 100
scene.render.image_settings.file_format = "PNG"
scene.render.filepath = target
scene.frame_set(int(frame))
bpy.ops.render.render(write_still=True)
