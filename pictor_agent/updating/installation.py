"""Which installation of the agent this very program is, and whether it may replace itself."""

import hashlib
import importlib.metadata
import json
import os
import sys
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

import msgspec

import pictor_agent
from pictor_agent.config import Config
from pictor_agent.updating.manifest import Manifest

RELEASE = "release.json"  # in the folder of a release that was made here: its manifest, written last
IMAGE = "PICTOR_AGENT_IMAGE"  # set by docker/worker/Dockerfile
OBSTACLES = {  # why it does not replace itself
    "image": "It runs in an image of Docker: pull or build the newer one, and start the container again.",
    "checkout": "It runs from its source code: update that.",
    "system": "It is installed in the system's own Python: update it by the way that it came.",
    "read_only": "Its folder may not be written by its user: whoever installed it updates it.",
    "no_key": "Its configuration file names no key of releases: download it again from the node's page.",
}


def obstacle(config: Config | None) -> str:
    """A key of OBSTACLES; empty where it may."""
    if os.environ.get(IMAGE):
        return "image"
    installed = _distribution()
    if installed is None:
        return "checkout"
    if sys.prefix == sys.base_prefix:
        return "system"
    if not os.access(str(installed.locate_file("")), os.W_OK):
        return "read_only"
    return "" if config and config.update_key else "no_key"


def _distribution() -> Distribution | None:
    """What an installer wrote of the package that runs; None when it runs from a folder of code."""
    try:
        found = importlib.metadata.distribution("pictor-agent")
    except PackageNotFoundError:
        return None
    here = Path(pictor_agent.__file__).resolve().parent
    return found if Path(str(found.locate_file("pictor_agent"))).resolve() == here else None


def digest() -> str:
    """Names this installation: another after it was installed anew. Empty for code in a folder."""
    installed = _distribution()
    record = installed and installed.read_text("RECORD")
    return hashlib.sha256(record.encode()).hexdigest() if record else ""


def release() -> Manifest | None:
    """Of the release that runs; None when it was not made by the agent itself."""
    return read_release(Path(sys.prefix))


def read_release(place: Path) -> Manifest | None:
    try:
        return msgspec.json.decode((place / RELEASE).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError):
        return None


def wheel_sha256() -> str:
    """Of the wheel that this installation was made from, as far as it is known."""
    if made := release():
        return made.sha256
    installed = _distribution()
    try:
        told = json.loads((installed and installed.read_text("direct_url.json")) or "{}")  # PEP 610
        found = told["archive_info"]["hashes"]["sha256"]
    except (ValueError, KeyError, TypeError):
        return ""
    return found if isinstance(found, str) and len(found) == 64 else ""
