"""The agent as a wheel, built from the code that runs here: what the server offers is what it speaks with.

Kept in memory by each process that was asked for it. The build is reproducible, so that all of them offer the same bytes.
"""

import contextlib
import hashlib
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

BUILD_SECONDS = 120
FAILED_SECONDS = 60.0  # after a build that failed nobody waits for another
UNIT = settings.BASE_DIR / "pictor_agent" / "pictor-agent.service"

_building = Lock()
_built: list["Wheel"] = []
_failed_until = [0.0]  # monotonic


class NotBuilt(Exception):
    """The builder failed, now or a moment ago; its words are in the log."""


@dataclass(frozen=True)
class Wheel:
    """One file that pip and pipx install."""

    name: str  # pictor_agent-0.1.0-py3-none-any.whl; installers read version and platform from it
    content: bytes
    sha256: str


def offered() -> Wheel:
    """The wheel; whoever asks first builds it, others wait for that.

    Raises:
        NotBuilt
    """
    with _building:
        if not _built:
            if time.monotonic() < _failed_until[0]:
                raise NotBuilt
            _built.append(_build())
        return _built[0]


def prepare() -> None:
    """Have it built, so that `offered` answers at once afterwards."""
    with contextlib.suppress(NotBuilt):
        offered()


def _build() -> Wheel:
    """In a process of its own: the builder's memory is not kept."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
            subprocess.run(command, cwd=settings.BASE_DIR, check=True, capture_output=True, timeout=BUILD_SECONDS)
            (file,) = Path(folder).glob("*.whl")
            content = file.read_bytes()
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        _failed_until[0] = time.monotonic() + FAILED_SECONDS
        log.error("agent_wheel_not_built", error=str(error), said=(getattr(error, "stderr", None) or b"")[-2_000:].decode())
        raise NotBuilt from error
    return Wheel(file.name, content, hashlib.sha256(content).hexdigest())
