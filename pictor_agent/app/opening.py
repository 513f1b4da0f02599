"""The page, from its port to the file with its link; where it cannot be had, the node does without."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from pictor_agent.app import door
from pictor_agent.app.gate import HEADERS, Gate
from pictor_agent.app.lines import Server
from pictor_agent.app.site import Site


@contextlib.asynccontextmanager
async def opened(site: Site, port: int, folder: Path, *, asking: str = door.ASKING) -> AsyncIterator[None]:
    """Listens while it lasts; `folder` holds the link, which the command `asking` shows."""
    server = Server(site.answer, HEADERS)
    try:
        site.gate = Gate(await _port(server, port))
        door.leave(folder, site.gate.link)
        door.announce(site.terminal, site.gate.link, asking)
    except OSError as error:
        site.terminal.say(f"This node has no page: {error.strerror or error}", "warn")
    try:
        yield
    finally:
        door.take_away(folder)
        await server.stop()


async def _port(server: Server, port: int) -> int:
    """That one, or where it is taken, as by another node of this machine, one that is free."""
    try:
        return await server.start(port)
    except OSError:
        return await server.start(0)
