"""Three nodes at one job: two honest ones with the agent's own code, and one that misbehaves. Their loop runs in a thread."""

import asyncio
import contextlib
import io
import random
import threading
from dataclasses import dataclass, field
from pathlib import Path

from pictor_agent.config import Config, State, read_config
from pictor_agent.files import FileStore
from pictor_agent.outbox import Outbox
from pictor_agent.probe import NoGpus, Probe
from pictor_agent.shift import Shift
from pictor_agent.terminal import Terminal
from pictor_agent.transfers import make_client
from tests.chaos.liar import Liar
from tests.chaos.painter import Painter
from tests.stories.creator import Person, await_that

HONEST = ("honest-1", "honest-2")
LIAR = "liar"
CACHE_BYTES = 1 << 28
STOP_SECONDS = 60


def enrol(person: Person, name: str, folder: Path) -> tuple[Config, State]:
    """A new node of this person, by the pages: its configuration file, and a folder for its key."""
    page = person.post("/workers/new/", name=name)
    written = person.post(f"{page.url.path}config/")
    folder.mkdir(parents=True)
    (folder / "node.toml").write_text(written.text)
    state = State(folder / "state")
    state.make()
    return read_config(folder / "node.toml"), state


@dataclass
class Farm:
    """`with Farm(...)`: the liar signs on, the honest ones when `join` is called."""

    stack: object
    folder: Path
    rng: random.Random
    seconds: float  # of a frame
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    running: list = field(default_factory=list)  # futures
    log: io.StringIO = field(default_factory=io.StringIO)  # what the honest nodes say

    def __enter__(self) -> "Farm":
        owner, rogue = Person(self.stack, "owner"), Person(self.stack, "checker")
        self.honest = [enrol(owner, name, self.folder / name) for name in HONEST]
        self.liar = Liar(*enrol(rogue, LIAR, self.folder / LIAR), self.rng, self.seconds)
        self.thread = threading.Thread(target=self.loop.run_forever, name="farm")
        self.thread.start()
        self._run(self.liar.run())
        return self

    def __exit__(self, *failure) -> None:
        for future in self.running:
            future.cancel()
        asyncio.run_coroutine_threadsafe(_settle(), self.loop).result(STOP_SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def _run(self, work) -> None:
        self.running.append(asyncio.run_coroutine_threadsafe(work, self.loop))

    def join(self) -> None:
        """The honest nodes sign on."""
        for config, state in self.honest:
            self._run(self._honest(config, state))

    async def _honest(self, config: Config, state: State) -> None:
        painter, folder = Painter(self.seconds), state.folder
        async with make_client() as client:
            store = FileStore(folder / "cache", CACHE_BYTES, client, painter.has_open)
            outbox, probe = Outbox(folder / "outbox"), Probe(folder, NoGpus())
            await Shift(config, state, painter, store, outbox, probe, Terminal(self.log, plain=True)).run()

    def require_alive(self) -> None:
        """A node's program never ends by itself."""
        for future in self.running:
            if future.done():
                raise AssertionError(f"a node has ended: {future.exception()!r}\n{self.log.getvalue()[-2_000:]}")

    def await_misdeeds(self) -> None:
        """The liar, alone, has done all that it can do."""
        await_that(lambda: self.require_alive() or self.liar.has_done_all, "every misdeed done", seconds=600)


async def _settle() -> None:
    """Every task of this loop but the asking one has ended."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*others, return_exceptions=True)
