"""Run by the render environment's Python: writes a small animated Cycles scene to argv[1]."""

import sys

import bpy

bpy.ops.wm.read_factory_settings(use_empty=False)
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 48, 27, 100
scene.cycles.samples = 1
scene.cycles.use_denoising = False
scene.cycles.use_adaptive_sampling = False  # the stories choose how long a frame takes by its samples
scene.frame_start, scene.frame_end = 1, 4
cube = bpy.data.objects["Cube"]
cube.keyframe_insert("rotation_euler", frame=1)
cube.rotation_euler.z = 2.0
cube.keyframe_insert("rotation_euler", frame=4)
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1], compress=True)
