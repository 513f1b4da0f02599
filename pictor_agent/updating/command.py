"""`pictor-agent update`: to the newest release now, by hand. An agent that runs does it itself between two tasks."""

from pathlib import Path

from pictor_agent.config import AlreadyRuns, BadConfig, Config, State, default_state_folder, read_config
from pictor_agent.running import config_path
from pictor_agent.terminal import Terminal
from pictor_agent.updating import handover, installation
from pictor_agent.updating.halting import Programs
from pictor_agent.updating.manifest import NotUpdated
from pictor_agent.updating.releases import Release, Releases
from pictor_agent.updating.updates import newest, obtain


def update(arguments) -> int:
    terminal = Terminal()
    try:
        config = read_config(config_path(arguments))
        state = State(Path(arguments.state) if arguments.state else default_state_folder(config.state_name))
        state.make()
        if why := installation.obstacle(config):
            raise NotUpdated(installation.OBSTACLES[why])
        return _update(config, state, terminal, arguments)
    except (BadConfig, NotUpdated) as error:
        terminal.say(f"Not updated: {error}", "bad")
        return 1


def _update(config: Config, state: State, terminal: Terminal, arguments) -> int:
    releases = handover.releases_of(state)
    if arguments.again:
        releases.note(failed={}, trials={})
    try:
        with state.locked():
            successor = obtain(config, releases, Programs())
    except AlreadyRuns:
        return _leave_to_the_agent(config, releases, terminal)
    if successor is None:
        terminal.say("This is the newest release already", "ok")
        return 0
    return _switch(config, state, successor, terminal, arguments)


def _leave_to_the_agent(config: Config, releases: Releases, terminal: Terminal) -> int:
    manifest = newest(config, releases)
    if not releases.note(wished=manifest.number, not_before=0.0):
        raise NotUpdated("the wish cannot be written for the agent that runs")
    terminal.say(f"The agent that runs goes over to release {manifest.number} between two tasks", "ok")
    return 0


def _switch(config: Config, state: State, successor: Release, terminal: Terminal, arguments) -> int:
    words = handover.run_words(arguments, config_path(arguments), state)
    if not handover.switch(state, config, successor, words, terminal):
        return 1
    terminal.say("The next start runs it", "ok")
    return 0
