"""An environment with a release in it, beside the one that runs.

What the agent needs besides is taken over from the running environment, as links: most releases need nothing else, and an
index that cannot be reached keeps nobody from them. Where one does need something, pip asks the index for the very files that the
list in the signed wheel names: an index runs no code here that the network has not signed for.
"""

import contextlib
import os
import shutil
import sys
import sysconfig
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import msgspec

from pictor_agent.engines.fetching import explained
from pictor_agent.updating import installation
from pictor_agent.updating.halting import Programs
from pictor_agent.updating.manifest import Manifest, NotUpdated
from pictor_agent.updating.releases import write_whole

OWN = ("pictor_agent", "pip", "setuptools")  # not taken over: they come anew
LIST = "node.txt"  # in the wheel: every package that an agent needs besides, with the hashes of its files
MISSING = "No matching distribution found"  # pip's words
FREE_BYTES_MIN = 1 << 30  # where links cannot be made, numpy and OpenImageIO are copied


def make(place: Path, wheel: Path, manifest: Manifest, programs: Programs) -> None:
    """The environment at `place`; complete once its release.json is there, which is written last.

    Raises:
        NotUpdated: venv, pip or the index say no, or the disk is full.
    """
    shutil.rmtree(place, ignore_errors=True)
    try:
        if shutil.disk_usage(place.parent).free < FREE_BYTES_MIN:
            raise NotUpdated("less than 1 GiB of disk is free")
        _make(place, wheel, programs)
        os.sync()  # what is written by others must be there before it counts
        write_whole(place / installation.RELEASE, msgspec.json.encode(manifest))
    except NotUpdated:
        shutil.rmtree(place, ignore_errors=True)
        raise
    except OSError as error:
        shutil.rmtree(place, ignore_errors=True)
        raise NotUpdated(f"the release cannot be written: {error.strerror or error}") from error


def _make(place: Path, wheel: Path, programs: Programs) -> None:
    has_pip = find_spec("pip") is not None
    _run(programs, [sys.executable, "-I", "-m", "venv", *(["--without-pip"] if has_pip else []), str(place)])
    python = place / "bin" / "python"
    _take_over(Path(sysconfig.get_path("purelib")), _packages(place))
    pip = [sys.executable, "-I", "-m", "pip", "--python", str(python)] if has_pip else [str(python), "-I", "-m", "pip"]
    install = [*pip, "--disable-pip-version-check", "--retries", "1", "install", "-q", "--no-compile"]
    _install(install, wheel, programs)
    _run(programs, [str(python), "-I", "-m", "pictor_agent", "--version"])


def _install(install: list[str], wheel: Path, programs: Programs) -> None:
    """The wheel; before it, where something is missing, what the signed wheel's own list names by hash, and nothing to be built."""
    alone = [*install, "--isolated", "--no-index", str(wheel)]  # says no when something is missing, whatever pip is set up for
    status, said = programs.run(alone)
    if status and MISSING in said:
        with tempfile.TemporaryDirectory() as folder:
            listed = Path(folder) / LIST
            listed.write_bytes(_list_of(wheel))
            _run(programs, [*install, "--require-hashes", "--only-binary", ":all:", "-r", str(listed)])
        status, said = programs.run(alone)
    if status:
        raise NotUpdated(explained(said))


def _list_of(wheel: Path) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            (name,) = [each for each in archive.namelist() if each.endswith(f".data/data/share/pictor-agent/{LIST}")]
            return archive.read(name)
    except (ValueError, zipfile.BadZipFile):
        raise NotUpdated("the release does not say which packages it needs") from None


def _packages(place: Path) -> Path:
    (found,) = (place / "lib").glob("python*/site-packages")
    return found


def _take_over(source: Path, target: Path) -> None:
    for item in source.iterdir():
        if item.name.startswith(OWN) or item.name == "__pycache__" or (target / item.name).exists():
            continue
        if item.is_dir():
            shutil.copytree(item, target / item.name, copy_function=_link, symlinks=True)
        else:
            _link(str(item), str(target / item.name))


def _link(source: str, target: str) -> None:
    with contextlib.suppress(OSError):  # another disk
        return os.link(source, target)
    shutil.copy2(source, target)


def _run(programs: Programs, command: list[str]) -> None:
    status, said = programs.run(command)
    if status:
        raise NotUpdated(explained(said))
