"""A bare Debian of this machine's own release, made by mmdebstrap from this machine's own sources."""

import os
import shutil
import subprocess
from pathlib import Path

from pictor.stack import system
from pictor.stack.processes import APART, die_with_parent
from pictor.stack.words import Stop, step

SOURCES = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))  # Debian's own, by name


def ensure_mmdebstrap(*, seconds: float | None = None) -> None:
    if not shutil.which("mmdebstrap"):
        with step("Installing mmdebstrap"):
            system.install(["mmdebstrap"], [], seconds=seconds)


def make(target: Path, packages: str, sources: list[str], *options: str, seconds: float | None = None) -> None:
    """A folder, or a .tar by its name, that holds little more than these packages; None: however long it takes."""
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    if "VERSION_CODENAME" not in release:
        raise Stop("This system does not say which release of Debian it is.")
    words = [
        "--quiet",
        "--variant=minbase",
        f"--include={packages}",
        *options,
        release["VERSION_CODENAME"],
        str(target),
        *sources,
    ]
    beside = {**os.environ, "TMPDIR": str(target.parent)}  # what is half made is removed with it
    command = [*APART, "mmdebstrap", *words]
    quiet = {"capture_output": True, "text": True, "env": beside}
    done = subprocess.run(command, **quiet, timeout=seconds, preexec_fn=die_with_parent())
    if done.returncode:
        raise Stop(f"mmdebstrap failed: {done.stderr.strip()[-400:]}")


def own_sources() -> list[str]:
    """Debian's alone: what else this machine installs from would not be trusted inside."""
    return [str(path) for path in SOURCES if path.is_file()]
