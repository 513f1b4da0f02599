"""Render environments fetched on first need: a virtual environment per exact Blender version, from its hash-locked file.

Standard library alone: the stack's set-up uses it before anything is installed. The package index is whatever pip or uv are
configured with. An environment counts once its stamp is written; one that was interrupted is made anew.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PYTHON = "3.11"  # the only one for which bpy has wheels
NEEDED_BYTES = 3 << 30  # 370 MB to fetch, 900 MB in place, and room for both
PLACES = (Path(__file__).parents[2] / "requirements", Path(sys.prefix) / "share" / "pictor-agent")
STAMP = "pictor-stamp"


class FetchFailed(Exception):
    """The environment could not be made; the words say why."""


def lock_file(version: str) -> Path | None:
    """The requirement file of a version; None when this release of the agent has none."""
    return next((place / f"blender-{version}.txt" for place in PLACES if (place / f"blender-{version}.txt").is_file()), None)


def python_of(folder: Path, version: str) -> Path:
    return folder / version / "bin" / "python"


def is_complete(folder: Path, version: str) -> bool:
    """Is the environment there, from this very lock?"""
    lock, stamp = lock_file(version), folder / version / STAMP
    try:
        return lock is not None and stamp.read_text() == _digest(lock) and python_of(folder, version).exists()
    except OSError:
        return False


def obstacle(folder: Path, version: str) -> str:
    """Why this machine cannot fetch a version; empty when it can."""
    if lock_file(version) is None:
        return f"this agent does not know Blender {version}"
    if find_python() is None:
        return f"Python {PYTHON} with venv is needed to fetch Blender"
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if shutil.disk_usage(existing).free < NEEDED_BYTES:
        return f"less than {NEEDED_BYTES >> 30} GiB of disk are free"
    return ""


def find_python() -> str | None:
    """A CPython of the version that bpy needs: our own, else one on the path."""
    if f"{sys.version_info[0]}.{sys.version_info[1]}" == PYTHON:
        return getattr(sys, "_base_executable", None) or sys.executable
    return shutil.which(f"python{PYTHON}")


def fetch(folder: Path, version: str, *, python: str | None = None) -> Path:
    """Make the environment of one version below `folder`, unless it is there. Returns its Python.

    Raises:
        FetchFailed: the index cannot be reached, the disk is full, or this machine has no wheel.
    """
    if lock_file(version) is None:
        raise FetchFailed(obstacle(folder, version))
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder, version):
        if not is_complete(folder, version):
            _make(folder / version, version, python or find_python())
    return python_of(folder, version)


@contextlib.contextmanager
def _alone(folder: Path, version: str) -> Iterator[None]:
    """Two agents of one machine share the folder."""
    with (folder / f"{version}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(place: Path, version: str, python: str | None) -> None:
    lock = lock_file(version)
    if lock is None or python is None:
        raise FetchFailed(obstacle(place.parent, version))
    shutil.rmtree(place, ignore_errors=True)
    _run([python, "-I", "-m", "venv", str(place)])
    _install(place, lock)
    _run([str(place / "bin" / "python"), "-I", "-c", "import bpy"])
    (place / STAMP).write_text(_digest(lock))


def _install(place: Path, lock: Path) -> None:
    """By uv where there is one, because it is ten times as fast; else, and where uv cannot use this index, by pip."""
    python = str(place / "bin" / "python")
    words = ["install", "-q", "--require-hashes", "-r", str(lock)]
    if uv := shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])):
        cache = [] if os.environ.get("UV_CACHE_DIR") else ["--no-cache"]
        with contextlib.suppress(FetchFailed):
            return _run([uv, "pip", *words, *cache, "--python", python])
    return _run([python, "-m", "pip", "--disable-pip-version-check", *words])


def _run(command: list[str]) -> None:
    variables = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", env=variables, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise FetchFailed(explained(done.stdout + done.stderr))


UNREACHABLE = ("Could not fetch URL", "NewConnectionError", "SSLError", "ConnectTimeoutError", "ReadTimeoutError", "ProxyError",
               "error sending request", "Connection refused", "Temporary failure in name resolution")  # fmt: skip


def explained(words: str) -> str:
    """One line of an installer's own words; the two cases that people meet have their own."""
    if "No space left on device" in words:
        return "the disk is full"
    lines = [line.strip() for line in words.splitlines() if line.strip()] or ["no reason given"]
    for line in lines:
        if any(sign in line for sign in UNREACHABLE):
            return f"the package index cannot be reached: {line[:200]}"
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines)[-1][:300]


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()
