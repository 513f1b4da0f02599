"""`pictor-agent health`: is the agent of a state folder signed on? For containers, and for whoever watches a service."""

import time
from pathlib import Path

from pictor_agent.config import BadConfig, State, default_config_path, default_state_folder, read_config

BEATS_MISSED = 3  # in a row, before it counts as silent
GRACE_SECONDS = 15.0  # a machine that renders on all its cores is late now and then


def examine(arguments) -> int:
    """Say it in one line; the status is 0 while the server hears of this node."""
    try:
        state = State(Path(arguments.state) if arguments.state else _usual_folder(arguments.config))
    except BadConfig as error:
        problem = str(error)
    else:
        problem = problem_of(state, now=time.time())
    print(problem or "Signed on.")
    return 1 if problem else 0


def _usual_folder(config: str | None) -> Path:
    return default_state_folder(read_config(Path(config) if config else default_config_path()).state_name)


def problem_of(state: State, *, now: float) -> str:
    """Why this node is not at work; empty when it is. An agent that hangs or was killed leaves an old heartbeat behind."""
    beat = state.last_beat()
    if beat is None:
        return "Not signed on; the agent's log says why."
    silent_seconds = now - beat.at
    if silent_seconds > BEATS_MISSED * beat.report_seconds + GRACE_SECONDS:
        return f"The last heartbeat went out {silent_seconds:.0f} s ago; the agent hangs or was ended."
    return ""
