"""`pictor-agent app`: the node with its page in the browser; it asks there for the configuration file when there is none."""

import argparse
import asyncio
from dataclasses import dataclass
from pathlib import Path

from pictor_agent.app import door
from pictor_agent.app.importing import Importing
from pictor_agent.app.opening import opened
from pictor_agent.app.site import Site
from pictor_agent.config import PAGE_PORT, AlreadyRuns, BadConfig, Config, State, default_state_folder, read_config
from pictor_agent.environments import NoBlender
from pictor_agent.platforms import Obstacle
from pictor_agent.recorded import BadTrace
from pictor_agent.running import config_path, prepare, work
from pictor_agent.sandbox import SandboxUnavailable
from pictor_agent.shift import REFUSED
from pictor_agent.terminal import Terminal
from pictor_agent.updating import handover
from pictor_agent.updating.handover import Succession

INTERRUPTED = 130


def app(arguments) -> int:
    """Returns the exit status. Where an agent runs already, its page is opened."""
    terminal = Terminal(plain=arguments.plain)
    path = config_path(arguments)
    if folder := _in_use(arguments, path):
        return _show(folder, terminal, has_browser=not arguments.no_browser)
    try:
        return asyncio.run(_App(arguments, terminal, path).live())
    except Succession as succession:
        handover.hand_over(succession, arguments, path, terminal)
    except KeyboardInterrupt:
        return INTERRUPTED


def _in_use(arguments, path: Path) -> Path | None:
    """The folder of the node, when an agent holds it."""
    try:
        _, state = prepare(arguments, path)
    except BadConfig:
        return None
    try:
        with state.locked():
            return None
    except AlreadyRuns:
        return state.folder


def page_port(arguments, path: Path) -> int:
    """Of the page, which is what was asked for: 0, which keeps `run` from having one, is whichever is free."""
    try:
        return read_config(path, page_port=arguments.page_port).page_port
    except BadConfig:
        return arguments.page_port or PAGE_PORT


def _show(folder: Path, terminal: Terminal, *, has_browser: bool) -> int:
    if not (link := door.left(folder)):
        terminal.say("The agent runs, and was started without a page.", "warn")
        return 1
    terminal.say(f"The agent runs. Its page, for you alone: {link}", kept=False)
    if has_browser:
        door.open_browser(folder)
    return 0


@dataclass(eq=False)
class _App:
    """One run of the program: from a configuration file to the end of its node, again with another file when it is refused."""

    arguments: argparse.Namespace
    terminal: Terminal
    path: Path

    def __post_init__(self) -> None:
        self.site = Site(self.terminal)
        self.problem = ""  # of the file that is here

    async def live(self) -> int:
        home = default_state_folder("any").parent
        async with opened(self.site, page_port(self.arguments, self.path), home):
            if not self.arguments.no_browser:
                door.open_browser(home)
            while True:
                config, state = await self._configured()
                try:
                    status = await self._work(config, state)
                except BadConfig as error:
                    self.problem = str(error)
                    continue
                if status != REFUSED:
                    return status
                self.problem = self.site.problem

    async def _configured(self) -> tuple[Config, State]:
        """A file that can be used, from its place or from the page."""
        while True:
            if self.problem or not self.path.exists():
                self.site.importing = Importing(self.path, self.problem)
                self.terminal.say(self.problem or "No configuration file yet; the page asks for it.", "warn")
                await self.site.importing.done.wait()
                self.site.importing = None
            try:
                config, state = prepare(self.arguments, self.path)
            except BadConfig as error:
                self.problem = str(error)
            else:
                self.problem = ""
                return config, state

    async def _work(self, config: Config, state: State) -> int:
        """Raises BadConfig: another agent holds the folder, or what is in there cannot be used."""
        with state.locked():
            self.terminal.folder = state.folder
            door.leave(state.folder, self.site.gate.link)
            try:
                return await self._until_the_end(config, state)
            finally:
                door.take_away(state.folder)

    async def _until_the_end(self, config: Config, state: State) -> int:
        try:
            return await work(config, state, self.terminal, self.site, self.path)
        except (BadTrace, NoBlender, SandboxUnavailable) as error:
            self.terminal.say(str(error), "bad")
            self.site.obstacle = Obstacle(
                f"{error}. Mend that and start the agent again; the doctor says more.", "pictor-agent doctor"
            )
            await asyncio.Event().wait()  # so that it can be read; ends with the program
            raise
