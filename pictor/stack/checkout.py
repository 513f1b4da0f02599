"""Root's copy of the checkout: tracked files and untracked ones that git does not ignore, kept equal at every start."""

import os
import shutil
import subprocess
from pathlib import Path

SKIPPED = {".git", ".venv", "var", "__pycache__", "node_modules"}  # where there is no git to ask


def listed(checkout: Path) -> list[str]:
    """The files that belong to the checkout, by path below it; those deleted in the working tree left out."""
    command = [
        "git",
        "-c",
        "safe.directory=*",
        "-C",
        str(checkout),
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    try:
        done = subprocess.run(command, capture_output=True)
        names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name] if done.returncode == 0 else walked(checkout)
    except FileNotFoundError:
        names = walked(checkout)
    return sorted(name for name in set(names) if (checkout / name).is_file())


def walked(checkout: Path) -> list[str]:
    """The same without git: an unpacked archive."""
    found = []
    for folder, folders, files in os.walk(checkout):
        folders[:] = [name for name in folders if name not in SKIPPED]
        found += [str((Path(folder) / name).relative_to(checkout)) for name in files]
    return found


def same(source: Path, target: Path) -> bool:
    if not target.is_file():
        return False
    ours, theirs = source.stat(), target.stat()
    return (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)


def copy_to(checkout: Path, target: Path) -> int:
    """Bring `target` up to date; returns how many files were copied. Files that left the checkout are removed."""
    names = listed(checkout)
    changed = [name for name in names if not same(checkout / name, target / name)]
    for name in changed:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(checkout / name, target / name)
        (target / name).chmod(0o755 if os.access(checkout / name, os.X_OK) and _has_execute_bit(checkout / name) else 0o644)
    for name in set(walked(target)) - set(names):
        (target / name).unlink()
    return len(changed)


def _has_execute_bit(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o111)
