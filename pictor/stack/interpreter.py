"""Finds a CPython 3.11 that the user whom everything runs as can execute (bpy needs that version exactly)."""

import shutil
import subprocess
import sys
from pathlib import Path

from pictor.stack.places import Places
from pictor.stack.words import Stop, say

WANTED = "3.11"
NAMES = ("/usr/bin/python3.11", "/usr/local/bin/python3.11", "python3.11", "python3")
QUESTION = "import sys, venv, ssl, ctypes, sqlite3; print('%d.%d' % sys.version_info[:2], sys.base_prefix)"


def candidates() -> list[Path]:
    """In order of preference: the system's own first, root's private ones last."""
    found = [shutil.which(name) for name in NAMES] + [sys.executable]
    return list(dict.fromkeys(Path(path) for path in found if path))


def answer(python: Path, **identity) -> str:
    """ "3.11 /usr" when `python` runs for that user and has what a start needs, else an empty text."""
    try:
        done = subprocess.run([str(python), "-I", "-c", QUESTION], capture_output=True, text=True, cwd="/", **identity)
    except OSError:  # not there, or not executable by that user
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def usable(python: Path, places: Places) -> bool:
    return answer(python, **places.identity.subprocess_arguments()).split(" ")[0] == WANTED


def choose(places: Places) -> Path:
    """The first candidate that runs as that user; a private interpreter of root's is copied for him as a last resort."""
    for python in candidates():
        if usable(python, places):
            return python
    for python in candidates() if places.shared else []:
        version, _, prefix = answer(python).partition(" ")
        if version == WANTED:
            return copied(Path(prefix), places)
    raise Stop(
        f"Python {WANTED} is needed and was not found. Install python{WANTED} (Debian 12: apt-get install python3 python3-venv)."
    )


def copied(prefix: Path, places: Places) -> Path:
    """A copy of root's private interpreter that the unprivileged user can execute."""
    target = places.home / "python"
    python = target / "bin" / f"python{WANTED}"
    if not python.exists():
        say(f"  Copying the interpreter in {prefix}: only root can execute it there.")
        ignore = shutil.ignore_patterns("site-packages", "test", "tests", "__pycache__")
        shutil.copytree(prefix, target, symlinks=True, ignore=ignore, dirs_exist_ok=True)
        (target / "lib" / f"python{WANTED}" / "site-packages").mkdir(exist_ok=True)
    if not usable(python, places):
        raise Stop(
            f"The only Python {WANTED} here is root's own ({prefix}) and its copy does not run. Install python{WANTED} for all users."
        )
    return python
