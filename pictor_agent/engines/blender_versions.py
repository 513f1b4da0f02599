"""The Blender releases that the network knows; each needs a render environment of its own on a node.

For each there is a lock file, requirements/blender-<exact>.txt: that is what a node fetches.
"""

from pictor_agent.engines.entry import Version

BLENDER_5_0 = Version("5.0.1", "Blender 5.0")
BLENDER_4_5 = Version("4.5.15", "Blender 4.5 LTS")
BLENDER_4_2 = Version("4.2.23", "Blender 4.2 LTS")

ALL = (BLENDER_5_0, BLENDER_4_5, BLENDER_4_2)
