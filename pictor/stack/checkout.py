"""Root's copy of the checkout: tracked files and untracked ones that git does not ignore, kept equal at every start."""

import os
import shutil
import subprocess
from pathlib import Path

SKIPPED = {".git", ".venv", "var", "__pycache__", "node_modules"}
SKIPPED |= {".hypothesis", ".mypy_cache", ".ruff_cache", ".import_linter_cache"}


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
    """The same without git, in an unpacked archive or in the copy: what tools leave behind is not looked at."""
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


def copy_to(checkout: Path, target: Path, *, owner: tuple[int, int] | None = None) -> int:
    """Bring `target` up to date; returns how many files were copied. Files that left the checkout are removed.

    Args:
        owner: user and group that the copy belongs to.
    """
    names = listed(checkout)
    changed = [name for name in names if not same(checkout / name, target / name)]
    for name in changed:
        copy_file(checkout / name, target / name)
    for name in set(walked(target)) - set(names):
        (target / name).unlink()
    if changed and owner:
        give_to(target, owner)
    return len(changed)


def copy_file(source: Path, target: Path) -> None:
    """With its time, and a mode that lets everybody read."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
    target.chmod(0o755 if source.stat().st_mode & 0o111 else 0o644)


def give_to(folder: Path, owner: tuple[int, int]) -> None:
    os.chown(folder, *owner)
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(place) / name, *owner, follow_symlinks=False)
