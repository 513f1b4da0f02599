"""How the server calls the agent's program on its own machine: in a process of its own, with the sandbox of a node."""

import os

from django.conf import settings


def agent_words(verb: str) -> list[str]:
    """The words after Python's for a verb of the agent's program, with the Blenders that this machine has."""
    found = ["-m", "pictor_agent", verb, "--environments", settings.BLENDER_ENVIRONMENTS]
    for program in filter(None, settings.BLENDER_PYTHON.split(os.pathsep)):
        found += ["--blender-python", program]
    return found
