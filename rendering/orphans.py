"""Files in the store that no row names: left by leases that ended between file and report, by crashes, by deletions.

Only names that this app gives are ever touched, and only files that are old enough to belong to nothing under way.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from itertools import chain

from django.core.cache import cache
from django.core.files.storage import default_storage

from rendering.models import Asset, Film, MergedFrame, Output

# What the store may hold below each folder, as this app names it; a store adds _letters to a name that is taken.
NAMES = {
    "frames": re.compile(r"\d+-\d+(_\w+)?(\.preview|\.thumbnail|\.exposure[+-]\d)?(_\w+)?\.(png|jpg|exr|webp)"),
    "probes": re.compile(r"\d+-\d+(_\w+)?\.png"),  # nobody looks at them
    "films": re.compile(r"\d+(_\w+)?\.(mp4|webm)"),
    "scenes": re.compile(r"[0-9a-f]{64}(_\w+)?"),
}

HALF = re.compile(r"\.arriving-\w+")  # common.folder_store, killed while it wrote


def known_keys(root: str, owner: str) -> set[str]:
    """What the rows name below `root`/`owner`."""
    if root == "frames":
        rows = Output.objects.filter(attempt__task__job=owner).values_list("storage_key", "preview_key", "thumbnail_key")
        merged = MergedFrame.objects.filter(job=owner).values_list("storage_key", "preview_key", "thumbnail_key")
        return {key for row in chain(rows.iterator(), merged) for key in row}
    if root == "films":
        return set(Film.objects.filter(job=owner).values_list("storage_key", flat=True))
    if root == "probes":
        return set()
    return set(Asset.objects.filter(owner=owner).values_list("storage_key", flat=True))


def drop_unknown(root: str, owner: str, *, before: datetime) -> int:
    """Delete files of `root`/`owner` that no row names and nobody has touched since `before`. Files first, then rows:
    a row that comes meanwhile is of a file that is younger than `before`."""
    folder = f"{root}/{owner}"
    names = [name for name in _listed(folder)[1] if NAMES[root].fullmatch(name) or HALF.fullmatch(name)]
    known = known_keys(root, owner) if names else set()
    old = [key for key in (f"{folder}/{name}" for name in names) if key not in known and _is_older(key, before)]
    for key in old:
        default_storage.delete(key)
    return len(old)


def _is_older(key: str, before: datetime) -> bool:
    try:
        return default_storage.get_modified_time(key) < before
    except FileNotFoundError:
        return False


def sweep(*, before: datetime, limit: int) -> int:
    """Look through the next `limit` folders of each kind; begins anew after the last one."""
    return sum(drop_unknown(root, owner, before=before) for root in NAMES for owner in _next_folders(root, limit))


def _next_folders(root: str, limit: int) -> Iterable[str]:
    folders = sorted((name for name in _listed(root)[0] if name.isdigit()), key=int)
    last = cache.get(f"orphans:{root}", 0)
    chosen = [name for name in folders if int(name) > last][:limit]
    cache.set(f"orphans:{root}", int(chosen[-1]) if len(chosen) == limit else 0, timeout=None)
    return chosen


def _listed(folder: str) -> tuple[list[str], list[str]]:
    try:
        return default_storage.listdir(folder)
    except FileNotFoundError:
        return [], []
