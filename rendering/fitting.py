"""How many nodes online fit what a job asks for, and what keeps the others from it: live beside the settings."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from common.words import plural
from rendering.models import Job
from rendering.wishes import requirements
from workers import census
from workers.matching import Alike, Requirements, WorkerFacts, mismatch
from workers.wording import lacking

MODELS_MAX = 50


class Fit(NamedTuple):
    """Nodes that take work now."""

    fitting: int
    online: int
    words: str  # the whole sentence
    class_most: str = ""  # the device class that most of the fitting ones have
    gpu_models: tuple[str, ...] = ()  # that a creator may find by name just now


def fit_of(job: Job) -> Fit:
    """The nodes for the job as its settings stand."""
    needed = Requirements.from_json(requirements(job))
    nodes = census.online(needed, whose=job.owner_id)
    online = sum(alike.count for alike in nodes)
    classes: Counter = Counter()
    for alike in nodes:
        if mismatch(needed, alike.facts) is None:
            classes[alike.facts.device_class] += alike.count
    class_most = classes.most_common(1)[0][0] if classes else ""
    fitting = classes[class_most] if job.one_device_class else classes.total()
    words = _sentence(fitting, online, " ".join(filter(None, [lacking(needed, nodes), _most_reliable(needed, nodes)])))
    return Fit(fitting, online, words, class_most, gpu_models(alike.facts for alike in nodes))


def _sentence(fitting: int, online: int, missing: str) -> str:
    if not online:
        return "No node is online now. The job waits until one that fits comes."
    if not fitting:
        return f"None fits now. {missing} The job would wait until one comes."
    return f"{fitting} of {plural(online, 'node')} online {'fits' if fitting == 1 else 'fit'}."


def _most_reliable(needed: Requirements, nodes: Sequence[Alike]) -> str:
    """Of the nodes that fit but for the wish for reliability; on a young network none may be as good as is wished for yet."""
    others = replace(needed, reliability_bp_min=0)
    found = [alike for alike in nodes if mismatch(others, alike.facts) is None] if needed.reliability_bp_min else []
    if not found:
        return ""
    best_bp = max(alike.facts.reliability_bp for alike in found)
    return f"With less of it {plural(sum(alike.count for alike in found), 'node')} would fit, of {best_bp / 100:g} % at best."


def gpu_models(nodes: Iterable[WorkerFacts]) -> tuple[str, ...]:
    return tuple(sorted({model for facts in nodes for model in facts.gpu_models if model})[:MODELS_MAX])


def gpu_models_online() -> tuple[str, ...]:
    return gpu_models(each.facts for each in census.classes_of_late())
