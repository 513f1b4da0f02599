"""From one release to the next: a trial, then the pointer, then the same process becomes the other program.

A release is pointed to only after it has signed on to the server with this node's key, so that whatever stops the machine
meanwhile, the next start runs something that has worked.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple, NoReturn

from pictor_agent import __version__, connection
from pictor_agent.config import BadConfig, Config, State, default_config_path, default_state_folder, read_config
from pictor_agent.terminal import Terminal
from pictor_agent.updating import installation
from pictor_agent.updating.releases import Release, Releases

CHOSEN = "PICTOR_AGENT_CHOSEN"  # set for a program that was chosen: it looks for no other
TRIAL = "--trial"
TRIAL_SECONDS = 600.0  # more than all that it waits for: OpenGL, Blender on a driver that compiles, the sign-on
HINDERED = 75  # exit status of a trial: the line was lost, the server said later, or another agent runs
TRIALS = 3  # hours in which it fails, then it is given up: killed for memory, or slow once, is no fault of its own
TRIALS_HINDERED = 24  # the same; a release that loses every line drains its node once an hour for a day at most


def releases_of(state: State) -> Releases:
    return Releases(state.folder / "releases")


class Succession(Exception):
    """This agent has ended for a release that goes on."""

    def __init__(self, config: Config, state: State, successor: Release) -> None:
        super().__init__(successor.words)
        self.config, self.state, self.successor = config, state, successor


def start_current(arguments) -> None:
    """First thing of a start: become the release that runs on this node. Returns where that is this very program."""
    if os.environ.get(CHOSEN):
        return
    try:
        config = read_config(Path(arguments.config) if arguments.config else default_config_path())
    except BadConfig:
        return  # said by the start itself
    folder = Path(arguments.state) if arguments.state else default_state_folder(config.state_name)
    release = releases_of(State(folder)).current(installation.digest())
    if release is not None:
        with contextlib.suppress(OSError):  # its Python is gone: this one still runs
            _become([*release.command, *sys.argv[1:]])


def hand_over(succession: Succession, arguments, path: Path, terminal: Terminal) -> NoReturn:
    """Try the release; go on as it, or as this one. Call it without the lock of the state folder."""
    state, words = succession.state, sys.argv[1:]
    if getattr(arguments, "no_browser", None) is False:
        words = [*words, "--no-browser"]  # its page is open already
    if switch(state, succession.config, succession.successor, run_words(arguments, path, state), terminal):
        _become([*succession.successor.command, *words])
    _become([sys.executable, "-I", "-m", "pictor_agent", *words])


def run_words(arguments, path: Path, state: State) -> list[str]:
    """How the node of these arguments is run, whichever command they are of."""
    words = ["run", "--config", str(path.resolve()), "--state", str(state.folder.resolve()), "--plain"]
    words += [f"--blender-python={program}" for program in arguments.blender_python]
    words += ["--allow-unsandboxed"] if arguments.allow_unsandboxed else []
    for name in ("environments", "memory_bytes", "cache_bytes", "gpu_trace"):
        if value := getattr(arguments, name, None):
            words.append(f"--{name.replace('_', '-')}={value}")
    return words


def switch(state: State, config: Config, successor: Release, words: list[str], terminal: Terminal) -> bool:
    """Point to the release if it signs on; `words`: what the agent is started with. Else it is tried later, or given up."""
    releases = releases_of(state)
    terminal.say(f"Trying {successor.words}")
    failure = _try(successor.command, words)
    if failure is None:
        releases.point_to(successor, _base(releases))
        releases.prune({successor.number, *_number_that_runs()})
        terminal.say(f"From now on {successor.words}", "ok")
        return True
    _failed(releases, successor, failure, is_reachable=_is_reachable(config), terminal=terminal)
    return False


class Failure(NamedTuple):
    """Why a release did not sign on and off."""

    words: str
    hindered: bool = False


def _failed(releases: Releases, successor: Release, failure: Failure, *, is_reachable: bool, terminal: Terminal) -> None:
    """While gateways restart even a good release fails: only who fails in several hours is to blame."""
    words = failure.words if is_reachable else "the server cannot be reached"
    releases.put_off(successor, f"{words}; it is tried again", now=time.time(), counts=is_reachable)
    limit = TRIALS_HINDERED if failure.hindered else TRIALS
    if is_reachable and releases.record().trials.get(successor.number, 0) >= limit:
        releases.give_up(successor, words)
    terminal.say(f"Stays with agent {__version__}: {releases.record().words or words}", "bad")


def _try(command: list[str], words: list[str]) -> Failure | None:
    """None when the release has signed on and off."""
    try:
        done = subprocess.run(
            [*command, *words, TRIAL], env=os.environ | {CHOSEN: "1"}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TRIAL_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Failure(f"it did not sign on within {TRIAL_SECONDS:.0f} s")
    except OSError as error:
        return Failure(f"it cannot be started: {error.strerror}")
    if not done.returncode:
        return None
    lines = [line.strip() for line in done.stdout.decode(errors="replace").splitlines() if line.strip()]
    said = f"it ended with status {done.returncode}{f': {lines[-1]}' if lines else ''}"[:270]
    return Failure(said, hindered=done.returncode == HINDERED)


def _is_reachable(config: Config) -> bool:
    try:
        asyncio.run(connection.greet(config.socket_url))
    except (connection.ProtocolBroken, *connection.LOST):
        return False
    return True


def _base(releases: Releases) -> str:
    """The installation that starts releases: this one, unless it is a release itself."""
    pointer = releases.pointer()
    return pointer.base if installation.release() and pointer else installation.digest()


def _number_that_runs() -> set[int]:
    made = installation.release()
    return {made.number} if made else set()


def _become(command: list[str]) -> NoReturn:
    os.environ[CHOSEN] = "1"
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(command[0], command)
