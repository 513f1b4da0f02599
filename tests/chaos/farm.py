"""Three nodes at one job: two honest ones with the agent's own code, and one that misbehaves, in a thread of ours."""

import asyncio
import contextlib
import random
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from pictor.stack.processes import Program
from pictor.stack.stack import CODE
from pictor_agent.config import Config, State, read_config
from tests.chaos.liar import Liar
from tests.stories.creator import Person, await_that

HONEST = ("honest-1", "honest-2")
LIAR = "liar"
MISDEEDS_SECONDS = 1_200
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

    def __enter__(self) -> "Farm":
        owner, rogue = Person(self.stack, "owner"), Person(self.stack, "checker")
        for name in HONEST:
            enrol(owner, name, self.folder / name)
        self.liar = Liar(*enrol(rogue, LIAR, self.folder / LIAR), self.rng, self.seconds)
        self.thread = threading.Thread(target=self.loop.run_forever, name="farm")
        self.thread.start()
        self.lying = asyncio.run_coroutine_threadsafe(self.liar.run(), self.loop)
        return self

    def __exit__(self, *failure) -> None:
        self.lying.cancel()
        asyncio.run_coroutine_threadsafe(_settle(), self.loop).result(STOP_SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def join(self) -> None:
        """The honest nodes sign on: processes of the stack, so that they are started again when they are killed."""
        self.stack.supervisor.start(*map(self._honest, HONEST))

    def _honest(self, name: str) -> Program:
        folder = self.folder / name
        words = [str(folder / "node.toml"), str(folder / "state"), str(self.seconds)]
        return Program(
            name, [sys.executable, "-m", "tests.chaos.node", *words], environment=self.stack.environment, folder=CODE
        )

    def require_alive(self) -> None:
        """A node's program never ends by itself."""
        if self.lying.done():
            raise AssertionError(f"the liar has ended: {self.lying.exception()!r}")

    def await_misdeeds(self) -> None:
        """The liar, alone, has done all that it can do."""
        await_that(lambda: self.require_alive() or self.liar.has_done_all, "every misdeed done", seconds=MISDEEDS_SECONDS)


async def _settle() -> None:
    """Every task of this loop but the asking one has ended."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*others, return_exceptions=True)
