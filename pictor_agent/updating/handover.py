"""From one release to the next: a trial, then the pointer, then the same process becomes the other program.

A release is pointed to only after it has signed on to the server with this node's key, so that whatever stops the machine
meanwhile, the next start runs something that has worked.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from pictor_agent import __version__, connection
from pictor_agent.config import BadConfig, Config, State, default_config_path, default_state_folder, read_config
from pictor_agent.terminal import Terminal
from pictor_agent.updating import installation
from pictor_agent.updating.releases import Release, Releases

CHOSEN = "PICTOR_AGENT_CHOSEN"  # set for a program that was chosen: it looks for no other
TRIAL = "--trial"
TRIAL_SECONDS = 180.0  # Blender is asked what it renders on, then the node signs on


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
    """Point to the release if it signs on; `words`: what the agent is started with. Else give it up, if it is to blame."""
    releases = releases_of(state)
    terminal.say(f"Trying {successor.words}")
    failure = _try(successor.command, words)
    if not failure:
        releases.point_to(successor, _base(releases))
        releases.prune({successor.number, *_number_that_runs()})
        terminal.say(f"From now on {successor.words}", "ok")
        return True
    if _is_reachable(config):
        releases.give_up(successor, failure)
        terminal.say(f"Stays with agent {__version__}: {failure}", "bad")
    else:
        releases.note(tried=successor.number, words="the server cannot be reached; it is tried again later")
        terminal.say("The server cannot be reached: the release is tried later", "warn")
    return False


def _try(command: list[str], words: list[str]) -> str:
    """Why the release is not taken; empty when it has signed on and off."""
    try:
        done = subprocess.run(
            [*command, *words, TRIAL], env=os.environ | {CHOSEN: "1"}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TRIAL_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"it did not sign on within {TRIAL_SECONDS:.0f} s"
    except OSError as error:
        return f"it cannot be started: {error.strerror}"
    if not done.returncode:
        return ""
    lines = [line.strip() for line in done.stdout.decode(errors="replace").splitlines() if line.strip()]
    return f"it ended with status {done.returncode}{f': {lines[-1]}' if lines else ''}"[:300]


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
