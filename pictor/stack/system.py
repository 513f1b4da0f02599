"""What must come from the operating system: looked for, installed where we may, else listed with the command."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pictor.stack.words import Stop, say, step


@dataclass(frozen=True)
class Need:
    """One thing and the Debian package that brings it."""

    what: str
    package: str
    present: Callable[[], bool]


def library(soname: str) -> Callable[[], bool]:
    def present() -> bool:
        try:
            ctypes.CDLL(soname)
        except OSError:
            return False
        return True

    return present


def program(*names: str) -> Callable[[], bool]:
    return lambda: any(shutil.which(name) for name in names)


# What Blender's wheel links to, even without a display.
BLENDER_LIBRARIES = {
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libGL.so.1": "libgl1",
}
SOFTWARE_OPENCL = Path("/etc/OpenCL/vendors/pocl.icd")
SOFTWARE_OPENGL = ("dri/swrast_dri.so", "libgallium*.so")  # in Debian 12, and since
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def has_pip(python: Path) -> Callable[[], bool]:
    """Debian keeps the part of venv that brings pip in a package of its own."""
    return lambda: subprocess.run([str(python), "-I", "-c", "import ensurepip"], capture_output=True, cwd="/").returncode == 0


def draws_in_software() -> bool:
    """Is Mesa's renderer there, with which EEVEE draws without a GPU?"""
    return any(any(Path("/usr/lib").glob(f"*/{pattern}")) for pattern in SOFTWARE_OPENGL)


def browser() -> str | None:
    """The Chromium for the browser tests: CHROMIUM=, then PATH."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


def needs(python: Path, *, tests: bool) -> list[Need]:
    """Everything a start (or a run of the tests) takes from the system."""
    found = [Need("the venv module with pip", "python3-venv", has_pip(python))]
    found += [Need(soname, package, library(soname)) for soname, package in BLENDER_LIBRARIES.items()]
    found.append(Need("bwrap, the sandbox for scenes", "bubblewrap", program("bwrap")))
    if tests:  # a node without them does not offer EEVEE, and says why
        found.append(Need("libEGL.so.1 for EEVEE", "libegl1", library("libEGL.so.1")))
        found.append(Need("Mesa's software OpenGL for EEVEE", "libgl1-mesa-dri", draws_in_software))
        found.append(Need("libOpenCL.so.1 for the challenge of GPUs", "ocl-icd-libopencl1", library("libOpenCL.so.1")))
        found.append(Need("OpenCL on processors, which stands in for GPUs", "pocl-opencl-icd", SOFTWARE_OPENCL.exists))
    if tests and os.environ.get("BROWSER") != "0":
        found.append(Need("Chromium for the browser tests", "chromium", lambda: browser() is not None))
    return found


def missing(python: Path, *, tests: bool) -> list[Need]:
    return [need for need in needs(python, tests=tests) if not need.present()]


def privilege() -> list[str] | None:
    """What to put before apt-get: nothing for root, sudo where it asks no password, None where we may not."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    return None


def refusal(absent: list[Need], *, tests: bool) -> str:
    """The list and the one command; a start ends with this text."""
    lines = ["These are missing and this user may not install them:"]
    lines += [f"  - {need.what} (Debian package {need.package})" for need in absent]
    packages = " ".join(need.package for need in absent)
    lines.append(f"Install them with:\n  sudo apt-get update && sudo apt-get install -y --no-install-recommends {packages}")
    if tests and any(need.package == "chromium" for need in absent):
        lines.append("Or name a browser with CHROMIUM=/path, or run everything else with BROWSER=0.")
    return "\n".join(lines)


def install(packages: list[str], prefix: list[str], *, seconds: float | None = None) -> None:
    """None: however long a slow line takes; else no call of apt-get takes longer."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        whole = [*prefix, "apt-get", "-q", *command]
        done = subprocess.run(whole, capture_output=True, text=True, env=environment, timeout=seconds)
        if done.returncode and command[0] == "install":
            reason = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
            raise Stop(f"apt-get could not install {' '.join(packages)}: {reason}")


def ensure(python: Path, *, tests: bool) -> None:
    """Everything from the system is there afterwards, or the start ends with the list of what is not."""
    absent = missing(python, tests=tests)
    if not absent:
        return
    prefix = privilege()
    if prefix is None:
        raise Stop(refusal(absent, tests=tests))
    packages = [need.package for need in absent]
    with step(f"Installing {len(packages)} system packages ({' '.join(packages)})"):
        install(packages, prefix)
    if still := missing(python, tests=tests):
        say(refusal(still, tests=tests))
        raise Stop("apt-get succeeded, and yet these are still missing.")
