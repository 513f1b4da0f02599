"""What a node's page says of its agent. Pure."""

from typing import NamedTuple

# The keys of pictor_agent.updating.installation.OBSTACLES; a newer agent may know one more.
OBSTACLES = {
    "image": "runs in a Docker image: pull or build the newer one",
    "checkout": "runs from its source code",
    "system": "installed in the system's own Python, and updated by the way that it came",
    "read_only": "may not write its own folder: whoever installed it updates it",
    "no_key": "its configuration file names no key of releases: download it again",
}


class Agent(NamedTuple):
    """`can_update`: there is something that its owner may allow."""

    words: str
    can_update: bool = False


def agent_of(version: str, build, newest, *, allowed: int, by_itself: bool) -> Agent:
    """`build` and `newest`: rows of workers.release_models, or None."""
    if not version:
        return Agent("–")
    if build is None or newest is None:
        return Agent(version)
    if build.sha256 == newest.sha256:
        return Agent(f"{version}, the newest release ({newest.pk})")
    if build.obstacle:
        return Agent(f"{version}; {OBSTACLES.get(build.obstacle, 'does not replace itself')}")
    if build.tried == newest.pk and build.words:
        return Agent(f"{version}; release {newest.pk} was not taken: {build.words}")
    if by_itself or allowed >= newest.pk:
        return Agent(f"{version}; goes over to release {newest.pk} between two tasks")
    return Agent(f"{version}; release {newest.pk} is there", can_update=True)
