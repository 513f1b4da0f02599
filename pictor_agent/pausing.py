"""`pictor-agent pause` and `resume`: as on the node's page, from a terminal. The agent notices with its next heartbeat."""

from pictor_agent.config import BadConfig
from pictor_agent.platforms import UNUSABLE
from pictor_agent.running import config_path, prepare
from pictor_agent.terminal import Terminal

PAUSED = "Paused. What renders is finished and paid; no other task begins until: pictor-agent resume"
RESUMED = "Resumed. It takes work again within seconds."


def set_pause(arguments) -> int:
    """As `arguments.paused` says. Returns the exit status."""
    terminal = Terminal()
    try:
        _, state = prepare(arguments, config_path(arguments))
    except BadConfig as error:
        terminal.say(str(error), "bad")
        return UNUSABLE
    if arguments.paused:
        state.pause()
    else:
        state.resume()
    terminal.say(PAUSED if arguments.paused else RESUMED, "ok")
    return 0
