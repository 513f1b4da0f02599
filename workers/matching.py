"""Which node may do which work, who gets what, and the one line that says why not. Pure: no rows, no clock.

Invariant: `assign` never uses a place or a work item twice, and never pairs what `mismatch` refuses.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cached_property

from common.words import plural

GIB = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What one work item needs of a node; kept as JSON in Work.requirements. A field left at its default asks for nothing.

    Several values in one field mean "any of these".
    """

    engine: str = "cycles"
    blender_version: str = ""  # exact; empty: any
    device: str = "any"  # "cpu", "gpu" or "any"
    ram_bytes_min: int = 0
    vram_bytes_min: int = 0  # of one GPU
    sandbox_required: bool = False  # refuse also those nodes whose owner allows work without a sandbox
    owner_only: int = 0  # user whose own nodes alone may take it; 0: everybody's
    owner_ids: tuple[int, ...] = ()  # only nodes of these users: one's own and a team's
    trusted_only: bool = False  # only nodes that operators or checks have found trustworthy
    locations: tuple[str, ...] = ()  # keys of workers.places: countries ("DE") and regions ("europe")
    gpu_makers: tuple[str, ...] = ()  # "nvidia", "amd", "intel", "apple"
    gpu_models: tuple[str, ...] = ()  # part of the model's name, in any case: "RTX 4090"
    gpu_count_min: int = 0  # of the GPUs that fulfil maker, model and memory
    reliability_bp_min: int = 0  # basis points, 0..10,000; see workers.reliability
    device_class: str = ""  # "gpu:<model>" or "cpu:<kernel>", so that frames do not flicker; see WorkerFacts.device_class

    @classmethod
    def from_json(cls, row: Mapping) -> "Requirements":
        """Unknown keys are ignored, so that an older feeder can read newer rows."""
        known = {field.name for field in fields(cls)}
        values = {key: value for key, value in row.items() if key in known and value is not None}
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFacts:
    """What the network believes of one node."""

    worker_id: int
    owner_id: int = 0
    engines: frozenset[str] = frozenset({"cycles"})
    blender_versions: frozenset[str] = frozenset()
    ram_bytes: int = 0
    vram_bytes: tuple[int, ...] = ()  # one entry per GPU
    sandboxed: bool = False
    unsandboxed_allowed: bool = False
    score_milli: int = 1000


class Reason(StrEnum):
    """Why a node may not do a work item."""

    OWNER = "owner"
    ENGINE = "engine"
    BLENDER_VERSION = "blender_version"
    DEVICE = "device"
    VRAM = "vram"
    RAM = "ram"
    SANDBOX = "sandbox"
    NODE_UNSANDBOXED = "node_unsandboxed"


# What is missing, so that "{needs} ..." reads on both pages.
NEEDS = {
    Reason.OWNER: "a node of its own creator",
    Reason.ENGINE: "the engine {engine}",
    Reason.BLENDER_VERSION: "Blender {blender_version}",
    Reason.DEVICE: "a GPU",
    Reason.VRAM: "a GPU with {vram_gib} GiB of memory",
    Reason.RAM: "{ram_gib} GiB of memory",
    Reason.SANDBOX: "a node with a sandbox",
    Reason.NODE_UNSANDBOXED: "a node with a sandbox, or whose owner allows work without one",
}


def needs(reason: Reason, requirements: Requirements) -> str:
    """The noun phrase for what is missing: "Blender 4.2.23"."""
    return NEEDS[reason].format(
        engine=requirements.engine,
        blender_version=requirements.blender_version,
        vram_gib=-(-requirements.vram_bytes_min // GIB),
        ram_gib=-(-requirements.ram_bytes_min // GIB),
    )


def mismatch(requirements: Requirements, facts: WorkerFacts) -> Reason | None:
    """The first thing that keeps this node from this work, or None when it fits."""
    if requirements.owner_only and requirements.owner_only != facts.owner_id:
        return Reason.OWNER
    if not facts.sandboxed and not facts.unsandboxed_allowed:
        return Reason.NODE_UNSANDBOXED
    if requirements.sandbox_required and not facts.sandboxed:
        return Reason.SANDBOX
    if requirements.engine not in facts.engines:
        return Reason.ENGINE
    if requirements.blender_version and requirements.blender_version not in facts.blender_versions:
        return Reason.BLENDER_VERSION
    if requirements.device == "gpu" and not facts.vram_bytes:
        return Reason.DEVICE
    if requirements.vram_bytes_min and requirements.vram_bytes_min > max(facts.vram_bytes, default=0):
        return Reason.VRAM
    if requirements.ram_bytes_min > facts.ram_bytes:
        return Reason.RAM
    return None


# Assignment -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A free place of a slot. `group` is what the node works on in the slot already (its scene is warm), or None."""

    facts: WorkerFacts
    slot: int
    place: int
    group: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    work_id: int
    group: tuple[str, int]  # kind and job
    requirements: Requirements
    avoided_id: int | None = None  # a node that may not have it now: it failed it a moment ago, and others are online


class _Candidates:
    """The free places that fit one set of requirements, best first; those taken meanwhile are skipped."""

    def __init__(self, places: Sequence[Place], requirements: Requirements, taken: set[int]):
        self.places, self.taken = places, taken
        self.fitting = [i for i, place in enumerate(places) if mismatch(requirements, place.facts) is None]
        self.next = 0

    @cached_property
    def warm(self) -> dict[tuple[str, int], list[int]]:
        by_group = defaultdict(list)
        for i in reversed(self.fitting):
            if self.places[i].group is not None:
                by_group[self.places[i].group].append(i)
        return by_group

    def _skip_taken(self) -> int | None:
        while self.next < len(self.fitting) and self.fitting[self.next] in self.taken:
            self.next += 1
        return self.fitting[self.next] if self.next < len(self.fitting) else None

    def take(self, work: Waiting) -> int | None:
        """The place for this work, taken; None when there is none."""
        chosen = self._best(work.group) if work.avoided_id is None else self._elsewhere(work.avoided_id)
        if chosen is not None:
            self.taken.add(chosen)
        return chosen

    def _elsewhere(self, avoided_id: int) -> int | None:
        free = (i for i in self.fitting if i not in self.taken and self.places[i].facts.worker_id != avoided_id)
        return next(free, None)

    def _best(self, group: tuple[str, int]) -> int | None:
        """The best free place for work of `group`: a warm one if it is no worse a place than the best."""
        best = self._skip_taken()
        if best is None:
            return None
        warm = self.warm.get(group, [])
        while warm and warm[-1] in self.taken:
            warm.pop()
        return warm[-1] if warm and self.places[warm[-1]].place <= self.places[best].place else best


def assign(places: Iterable[Place], waiting: Iterable[Waiting]) -> list[tuple[Place, Waiting]]:
    """Give the waiting work, in its order, the free places: running places first, then warm ones, then faster nodes."""
    ranked = sorted(places, key=lambda p: (p.place, -p.facts.score_milli, p.facts.worker_id, p.slot))
    taken: set[int] = set()
    by_requirements: dict[Requirements, _Candidates] = {}
    pairs = []
    for work in waiting:
        if len(taken) == len(ranked):
            break
        if work.requirements not in by_requirements:
            by_requirements[work.requirements] = _Candidates(ranked, work.requirements, taken)
        chosen = by_requirements[work.requirements].take(work)
        if chosen is not None:
            pairs.append((ranked[chosen], work))
    return pairs


# One line for people --------------------------------------------------------------------------------------------------


def explain_waiting(requirements: Requirements, nodes: Sequence[tuple[WorkerFacts, bool]], *, ahead: int) -> str:
    """Why a work item waits. `nodes`: those that take work now, and whether each has a free place; `ahead`: earlier work."""
    if not nodes:
        return "No node is online."
    reasons = [(mismatch(requirements, facts), free) for facts, free in nodes]
    fitting = [free for reason, free in reasons if reason is None]
    if not fitting:
        reason = Counter(reason for reason, _ in reasons).most_common(1)[0][0]
        return f"It needs {needs(reason, requirements)}; {plural(len(nodes), 'node')} online, none fits."
    if any(fitting) and not ahead:
        return "A node is free; the work starts in a moment."
    queue = f", {plural(ahead, 'task')} ahead" if ahead else ""
    return f"{plural(len(fitting), 'fitting node')} online, all busy{queue}."


STATUS_WORDS = {
    "new": "It has never connected: start the agent with its configuration file.",
    "offline": "Its agent is not connected.",
    "paused": "Paused by its owner.",
    "draining": "Its agent is stopping and takes no further work.",
    "suspended": "Suspended by an operator.",
    "retired": "Retired.",
}


def explain_idle(facts: WorkerFacts, waiting: Sequence[Requirements]) -> str:
    """Why an online node without work has none. `waiting`: the requirements of the work that waits, in its order."""
    if not facts.sandboxed and not facts.unsandboxed_allowed:
        return "It has no sandbox, and work without one is not allowed: install bubblewrap on the node."
    if not waiting:
        return "No work is waiting in the queue."
    reasons = Counter((reason, needs(reason, r)) for r in waiting if (reason := mismatch(r, facts)) is not None)
    if sum(reasons.values()) < len(waiting):
        return "Work is waiting and fits; it starts in a moment."
    missing = reasons.most_common(1)[0][0][1]
    return f"{plural(len(waiting), 'task')} waiting, none fits this node. Missing: {missing}."
