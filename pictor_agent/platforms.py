"""Systems on which no node can render, and what to do there instead. Free of all that only Unix has."""

import platform
import sys
from dataclasses import dataclass

UNUSABLE = 3  # exit status: this machine or its configuration must be mended first
WSL_1 = "-Microsoft"  # how its kernel's release ends; WSL2's says microsoft-standard-WSL2


@dataclass(frozen=True)
class Obstacle:
    """Why nothing can be rendered here; `command` (may be empty) is the way out."""

    words: str
    command: str = ""


def obstacle_here() -> Obstacle | None:
    return obstacle(sys.platform, platform.release())


def obstacle(system: str, release: str) -> Obstacle | None:
    """Of `sys.platform` and `platform.release()`; None where the sandbox may exist."""
    if system == "win32":
        return Obstacle(
            "Rendering needs Linux; on Windows that is WSL2. Install it from a terminal of an administrator, restart, open "
            "Debian, and install and start the agent there, as on Linux.",
            "wsl --install -d Debian",
        )
    if system == "linux" and release.endswith(WSL_1):
        return Obstacle(
            "This is WSL 1, which cannot isolate strangers' scenes: rendering needs WSL2. Convert it from a terminal of Windows.",
            "wsl --set-version Debian 2",
        )
    if system == "darwin":
        return Obstacle(
            "Rendering needs Linux, where strangers' scenes can be isolated. Run the agent in a virtual machine with Linux."
        )
    return None
