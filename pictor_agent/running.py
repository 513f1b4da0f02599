"""`pictor-agent run`: put the parts of a node together, with its page, and end cleanly on signals."""

import asyncio
import contextlib
import shlex
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from pictor_agent import __version__, cgroups, connection, engines
from pictor_agent.abilities import find_abilities
from pictor_agent.app import door
from pictor_agent.app.examination import Examination
from pictor_agent.app.opening import opened
from pictor_agent.app.site import ENDED, Site
from pictor_agent.config import (
    AlreadyRuns,
    BadConfig,
    Config,
    State,
    default_cache_bytes,
    default_config_path,
    default_state_folder,
    read_config,
)
from pictor_agent.connection import ProtocolBroken, SignOnRefused
from pictor_agent.engines import fetching
from pictor_agent.environments import Environments, NoBlender, make_environments
from pictor_agent.files import FileStore
from pictor_agent.gpus import find_gpus
from pictor_agent.joining import join
from pictor_agent.outbox import Outbox
from pictor_agent.platforms import UNUSABLE
from pictor_agent.pool import Pool, Rules
from pictor_agent.probe import Probe
from pictor_agent.recorded import BadTrace
from pictor_agent.runner import Runner
from pictor_agent.sandbox import SandboxUnavailable, find_sandbox, remove_stale_folders
from pictor_agent.selftest import SelfTest
from pictor_agent.shift import Shift
from pictor_agent.terminal import Terminal
from pictor_agent.transfers import make_client
from pictor_agent.updating import handover, installation
from pictor_agent.updating.handover import Succession
from pictor_agent.updating.trial import try_out
from pictor_agent.updating.updates import Updates

ENDING = (signal.SIGTERM, signal.SIGINT)


def run(arguments) -> int:
    terminal = Terminal(plain=arguments.plain)
    try:
        path = config_path(arguments)
        if arguments.join:
            join(arguments.join, path)
        config, state = prepare(arguments, path)
        with state.locked():
            terminal.folder = state.folder
            if arguments.trial:
                return asyncio.run(_try(config, state, terminal))
            return asyncio.run(_work_with_page(config, state, terminal, arguments))
    except Succession as succession:
        handover.hand_over(succession, arguments, path, terminal)
    except (BadConfig, BadTrace, NoBlender, SandboxUnavailable) as error:
        terminal.say(str(error), "bad")
        return handover.HINDERED if arguments.trial and isinstance(error, AlreadyRuns) else UNUSABLE


def config_path(arguments) -> Path:
    return Path(arguments.config) if arguments.config else default_config_path()


async def _try(config: Config, state: State, terminal: Terminal) -> int:
    """As a new release, for the old one."""
    shift = make_shift(config, state, terminal)
    try:
        return await try_out(shift)
    except (SignOnRefused, ProtocolBroken, *connection.LOST) as error:
        terminal.say(f"Cannot sign on: {error or type(error).__name__}", "bad")
        return handover.HINDERED if _may_pass(error) else 1
    finally:
        await shift.runner.close()
        await shift.store.client.aclose()


def _may_pass(error: Exception) -> bool:
    """Is it of this moment, whatever the release?"""
    return isinstance(error, connection.LOST) or (isinstance(error, SignOnRefused) and error.retry)


def prepare(arguments, path: Path) -> tuple[Config, State]:
    """What the file and the command line say, and the folder of the node.

    Raises:
        BadConfig: either cannot be used.
    """
    config = read_config(
        path,
        blender_python=arguments.blender_python,
        environments=arguments.environments,
        allow_unsandboxed=arguments.allow_unsandboxed,
        memory_bytes=arguments.memory_bytes,
        cache_bytes=arguments.cache_bytes,
        gpu_trace=arguments.gpu_trace,
        page_port=arguments.page_port,
    )
    state = State(Path(arguments.state) if arguments.state else default_state_folder(config.state_name))
    state.make()
    return config, state


async def _work_with_page(config: Config, state: State, terminal: Terminal, arguments) -> int:
    site = Site(terminal)
    path = config_path(arguments)
    has_page = config.page_port and not arguments.no_page
    page = (
        opened(site, config.page_port, state.folder, asking=_asking(path, arguments)) if has_page else contextlib.nullcontext()
    )
    async with page:
        return await work(config, state, terminal, site, path)


def _asking(path: Path, arguments) -> str:
    """The command that shows the page of this very node."""
    others = [] if path.absolute() == default_config_path() else ["--config", str(path.absolute())]
    others += ["--state", arguments.state] if arguments.state else []
    return f"{door.ASKING} {shlex.join(others)}".rstrip()


async def work(config: Config, state: State, terminal: Terminal, site: Site, path: Path) -> int:
    """One node, from its look at this machine to its end; `path`: of its configuration file. Returns the exit status.

    Raises:
        Succession: another release goes on.
    """
    shift = make_shift(config, state, terminal)
    site.examination = Examination(doctor_command(config, state, path))
    terminal.say(f"pictor-agent {__version__}, {describe(shift.runner)}")
    loop = asyncio.get_running_loop()
    for name in ENDING:  # first: as a container's first process it would not be ended by them otherwise
        loop.add_signal_handler(name, shift.stop)
    try:
        shift.abilities = await find_abilities(shift.runner.environments, shift.runner.sandbox)
        for words in shift.abilities.notes:
            terminal.say(f"Not offered: {words}", "warn")
        async with _shown(shift, site):
            status = await shift.run()
        if shift.successor and not status:
            raise Succession(config, state, shift.successor)
        return status
    finally:
        await shift.runner.close()
        await shift.store.client.aclose()
        for name in ENDING:
            loop.remove_signal_handler(name)


@contextlib.asynccontextmanager
async def _shown(shift: Shift, site: Site) -> AsyncIterator[None]:
    """On its page and in its terminal, until it ends."""
    site.shift, site.problem = shift, ""
    try:
        async with _live_view(shift):
            yield
    finally:
        site.shift, site.said, site.problem = None, ENDED, shift.problem
        if site.examination:
            await site.examination.stop()


def _live_view(shift: Shift) -> contextlib.AbstractAsyncContextManager[None]:
    if not shift.terminal.is_rich:
        return contextlib.nullcontext()
    from pictor_agent import panel  # memory that a service does without

    return panel.shown(shift, shift.terminal)


def doctor_command(config: Config, state: State, path: Path) -> list[str]:
    command = [sys.executable, "-m", "pictor_agent", "doctor", "--json", "--config", str(path), "--state", str(state.folder)]
    command += [word for program in config.blender_python for word in ("--blender-python", program)]
    return [*command, *(["--environments", config.environments] if config.environments else [])]


def make_shift(config: Config, state: State, terminal: Terminal) -> Shift:
    """A node ready to sign on.

    Raises:
        NoBlender, SandboxUnavailable: this machine cannot render.
        BadTrace: the recording of its GPUs cannot be played.
    """
    sandbox = find_sandbox(allow_unsandboxed=config.allow_unsandboxed)
    rules = Rules(config.warm_scenes, config.warm_frames, config.warm_seconds)
    runner = Runner(find_blenders(config, state), sandbox, config.memory_bytes, Pool(rules))
    cgroups.remove_stale()
    remove_stale_folders()
    cache_bytes = config.cache_bytes or default_cache_bytes(state.folder)
    store = FileStore(state.folder / "cache", cache_bytes, make_client(), runner.has_open)
    probe = Probe(state.folder, find_gpus(Path(config.gpu_trace) if config.gpu_trace else None))
    shift = Shift(config, state, runner, store, Outbox(state.folder / "outbox"), probe, terminal)
    shift.self_test = SelfTest(runner.environments, sandbox, state.folder) if config.self_test else None
    shift.updates = Updates(config, handover.releases_of(state), installation.obstacle(config))
    return shift


def find_blenders(config: Config, state: State) -> Environments:
    """Those that the owner named, those in the folder, and the right to fetch others into it.

    Raises:
        NoBlender: there is none, and none can be fetched.
    """
    folder = Path(config.environments) if config.environments else state.folder.parent / "blender"
    found = make_environments(config.blender_python, folder)
    if not config.fetch_blender:
        found.folder = None
    if not found.offered():
        obstacle = fetching.obstacle(folder, engines.blender_versions.ALL[0].exact)
        raise NoBlender(f"no Blender: give --blender-python PROGRAM, or set BLENDER_PYTHON ({obstacle or 'fetching is off'})")
    return found


def describe(runner: Runner) -> str:
    versions = ", ".join(sorted(runner.environments)) or "fetched on first need"
    isolation = "in bubblewrap" if runner.sandbox.bwrap else "WITHOUT isolation, as you allowed"
    return f"Blender {versions} {isolation}"
