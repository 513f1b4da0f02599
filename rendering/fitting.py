"""How many nodes online fit what a job asks for, and what keeps the others from it: live beside the settings."""

from collections import Counter
from typing import NamedTuple

from common.words import plural
from rendering.models import Job
from rendering.services.enqueueing import requirements
from workers.facts import online_nodes_of_late
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
    nodes = [node.facts for node in online_nodes_of_late()]
    fitting = [facts for facts in nodes if mismatch(needed, facts) is None]
    classes = Counter(facts.device_class for facts in fitting).most_common(1)
    class_most = classes[0][0] if classes else ""
    if job.one_device_class:
        fitting = [facts for facts in fitting if facts.device_class == class_most]
    return Fit(len(fitting), len(nodes), _sentence(len(fitting), len(nodes), lacking(needed, nodes)), class_most)


def _sentence(fitting: int, online: int, missing: str) -> str:
    if not online:
        return "No node is online now. The job waits until one that fits comes."
    if not fitting:
        return f"None fits now. {missing} The job would wait until one comes."
    return f"{fitting} of {plural(online, 'node')} online {'fits' if fitting == 1 else 'fit'}."


def gpu_models_online(limit: int = 50) -> list[str]:
    """The models that a creator may find by name just now."""
    return sorted({model for node in online_nodes_of_late() for model in node.facts.gpu_models if model})[:limit]
