"""The agent as a wheel, built from the code that runs here: what the server offers is what it speaks with.

Kept in memory by each process that was asked for it. The build is reproducible, so that all of them offer the same bytes.
"""

import hashlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from django.conf import settings

BUILD_SECONDS = 120
UNIT = settings.BASE_DIR / "pictor_agent" / "pictor-agent.service"

_building = Lock()
_built: list["Wheel"] = []


@dataclass(frozen=True)
class Wheel:
    """One file that pip and pipx install."""

    name: str  # pictor_agent-0.1.0-py3-none-any.whl; installers read version and platform from it
    content: bytes
    sha256: str


def offered() -> Wheel:
    """The wheel; whoever asks first builds it, others wait for that."""
    with _building:
        if not _built:
            _built.append(_build())
        return _built[0]


def _build() -> Wheel:
    """In a process of its own: the builder's memory is not kept."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
        subprocess.run(command, cwd=settings.BASE_DIR, check=True, capture_output=True, timeout=BUILD_SECONDS)
        (file,) = Path(folder).glob("*.whl")
        content = file.read_bytes()
    return Wheel(file.name, content, hashlib.sha256(content).hexdigest())
