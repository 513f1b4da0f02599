"""How many nodes online fit what a job asks for, and what keeps the others from it: live beside the settings."""

from collections import Counter
from typing import NamedTuple

from common.words import plural
from rendering.models import Job
from rendering.services.enqueueing import requirements
from workers import census
from workers.matching import Requirements, mismatch
from workers.wording import lacking


class Fit(NamedTuple):
    """Nodes that take work now."""

    fitting: int
    online: int
    words: str  # the whole sentence
    class_most: str = ""  # the device class that most of the fitting ones have


def fit_of(job: Job) -> Fit:
    """The nodes for the job as its settings stand."""
    needed = Requirements.from_json(requirements(job))
    nodes = census.online(needed)
    online = sum(alike.count for alike in nodes)
    classes: Counter = Counter()
    for alike in nodes:
        if mismatch(needed, alike.facts) is None:
            classes[alike.facts.device_class] += alike.count
    class_most = classes.most_common(1)[0][0] if classes else ""
    fitting = classes[class_most] if job.one_device_class else classes.total()
    return Fit(fitting, online, _sentence(fitting, online, lacking(needed, nodes)), class_most)


def _sentence(fitting: int, online: int, missing: str) -> str:
    if not online:
        return "No node is online now. The job waits until one that fits comes."
    if not fitting:
        return f"None fits now. {missing} The job would wait until one comes."
    return f"{fitting} of {plural(online, 'node')} online {'fits' if fitting == 1 else 'fit'}."


def gpu_models_online(limit: int = 50) -> list[str]:
    """The models that a creator may find by name just now."""
    return sorted({model for each in census.classes_of_late() for model in each.facts.gpu_models if model})[:limit]
