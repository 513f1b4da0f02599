"""Files that the scene names: missing from its folder, or lying outside it where no node can have them."""

import glob
import os
import re

import bpy

BUNDLED = "/datafiles/assets/"  # brushes that every installation has, wherever the artist's own lay
DRIVE = re.compile(r"^/(?=[A-Za-z]:)")  # Blender puts a "/" before "C:/" where it does not run on Windows
TILES = re.compile(r"<UDIM>|<UVTILE>")  # stand for the number of each tile


def files(listed):
    root = os.environ.get("PICTOR_SCENE", "/scene")
    named = sorted({path for path in bpy.utils.blend_paths(absolute=True, packed=False) if not is_bundled(path)})
    inside = [path for path in named if is_inside(path, root)]
    outside = [path for path in named if not is_inside(path, root)]
    here = by_name(root)
    return {
        "missing_files": listed([os.path.relpath(path, root) for path in inside if not exists(path)]),
        "outside_files": listed([DRIVE.sub("", path) for path in outside]),  # as the artist wrote them
        "outside_found": listed([here[base_name(path)] for path in outside if base_name(path) in here]),
    }


def is_bundled(path):
    return BUNDLED in path.replace("\\", "/")


def is_inside(path, root):
    return os.path.normpath(path).startswith(root + os.sep)


def exists(path):
    """Is the file there, or any of its tiles?"""
    if not TILES.search(path):
        return os.path.exists(path)
    before, after = TILES.split(path, maxsplit=1)
    return bool(glob.glob(glob.escape(before) + "*" + glob.escape(after)))


def base_name(path):
    """Of a path as Windows or anything else writes it."""
    return path.replace("\\", "/").rpartition("/")[2]


def by_name(root):
    """File name -> where it lies in the scene's folder; names that lie there twice say nothing."""
    places = {}
    for folder, _, names in os.walk(root):
        for name in names:
            places.setdefault(name, []).append(os.path.relpath(os.path.join(folder, name), root))
    return {name: found[0] for name, found in places.items() if len(found) == 1}
