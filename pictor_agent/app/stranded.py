"""`pictor-agent app` where nothing can be rendered, as on Windows without WSL2: a page that says so. Needs nothing of Unix."""

import asyncio
import contextlib
import tempfile
from pathlib import Path

from pictor_agent.app import door
from pictor_agent.app.opening import opened
from pictor_agent.app.site import Site
from pictor_agent.platforms import UNUSABLE, Obstacle
from pictor_agent.terminal import Terminal


def show(obstacle: Obstacle, *, port: int, has_browser: bool) -> int:
    """Until it is interrupted. Returns the exit status."""
    terminal = Terminal()
    terminal.say(f"{obstacle.words} {obstacle.command}".strip(), "bad")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(obstacle, terminal, port, has_browser))
    return UNUSABLE


async def _serve(obstacle: Obstacle, terminal: Terminal, port: int, has_browser: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="pictor-") as folder:
        async with opened(Site(terminal, obstacle=obstacle), port, Path(folder)):
            if has_browser:
                door.open_browser(Path(folder))
            await asyncio.Event().wait()
