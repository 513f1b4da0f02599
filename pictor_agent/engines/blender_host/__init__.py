"""Runs INSIDE a Blender, within the sandbox: opens one scene, then renders frames on command until told to quit.

Plain standard library and bpy, under whatever Python that Blender has; of the agent nothing may be imported here, and
the agent imports nothing from here. Commands are JSON lines on standard input, answers JSON lines on the descriptor that
standard output had at the start; a picture follows its answer as raw bytes. Blender's own noise on standard output goes
to standard error. The agent believes nothing that is said here.

No effect of one command may be seen in the next: a warm process gives the pixels of a fresh one. The same code runs
under every Blender of `engines.blender_versions`; what differs between them is said where it differs.
"""
