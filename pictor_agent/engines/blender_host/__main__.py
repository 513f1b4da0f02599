"""The program that a Blender is started with: takes the pipe, then imports bpy, which already prints."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from blender_host.pipe import Pipe

del sys.path[0]  # the folder also holds a `cycles`, which would hide Blender's own where there is no box

if __name__ == "__main__":
    pipe = Pipe()
    from blender_host.host import Host

    Host(pipe).serve()
    sys.stderr.flush()
    os._exit(0)  # skips Blender's slow and sometimes crashing teardown
