"""`python -m tests.chaos.node CONFIG STATE SECONDS`: the agent's own code, with a painter in Blender's place."""

import asyncio
import sys
from pathlib import Path

from pictor_agent.config import State, read_config
from pictor_agent.files import FileStore
from pictor_agent.gpus import AllOf
from pictor_agent.outbox import Outbox
from pictor_agent.probe import Probe
from pictor_agent.shift import Shift
from pictor_agent.terminal import Terminal
from pictor_agent.transfers import make_client
from tests.chaos.painter import Painter

CACHE_BYTES = 1 << 28


async def work(config: Path, folder: Path, seconds: float) -> int:
    painter, state = Painter(seconds), State(folder)
    state.make()
    with state.locked():
        async with make_client() as client:
            store = FileStore(folder / "cache", CACHE_BYTES, client, painter.has_open)
            outbox, probe = Outbox(folder / "outbox"), Probe(folder, AllOf([]))
            return await Shift(
                read_config(config), state, painter, store, outbox, probe, Terminal(sys.stdout, plain=True)
            ).run()


if __name__ == "__main__":
    raise SystemExit(asyncio.run(work(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))))
