"""Which node may do which work, and the first thing that keeps it from it. Pure: no rows, no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import NamedTuple

from workers.serving import USES_BY_DEFAULT, Ranks, Use

GIB = 1024**3
MAKERS = {  # words in the names of GPUs, in lower case
    "nvidia": ("nvidia", "geforce", "rtx", "gtx", "quadro", "tesla"),
    "amd": ("amd", "radeon", "instinct"),
    "intel": ("intel", "arc "),
    "apple": ("apple",),
}


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
    device_class: str = ""  # "gpu:<model>" or "cpu", so that frames do not flicker; see WorkerFacts.device_class
    protocol_min: int = 0  # of the agent: an older one does not know what is ordered
    node_only: int = 0  # the one node that it is about; 0: any
    use: str = Use.RENDER.value  # what it makes of the node: its owner may take some uses and not others

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
    blender_versions: frozenset[str] = frozenset()  # on the node, or fetched on first need
    protocol: int = 1  # that its agent speaks
    ram_bytes: int = 0
    gpu_models: tuple[str, ...] = ()  # one entry per GPU that Blender can use, as in vram_bytes
    vram_bytes: tuple[int, ...] = ()
    locations: frozenset[str] = frozenset()  # keys of workers.places: its country and region
    trusted: bool = False
    reliability_bp: int = 10_000
    sandboxed: bool = False
    unsandboxed_allowed: bool = False
    score_milli: int = 1000
    uses: frozenset[str] = USES_BY_DEFAULT  # that its owner allows
    first: Ranks = ()  # users whose work goes first, rank by rank
    others: bool = True  # it takes the work of users of no rank as well; see `met_by`

    def __reduce__(self):
        """As positional values: pages read hundreds from the cache, and by name that takes milliseconds."""
        return _facts_of, tuple(getattr(self, name) for name in self.__slots__)

    @property
    def vram_max(self) -> int:
        return max(self.vram_bytes, default=0)

    @property
    def memory_bytes(self) -> int:
        """The memory it renders in: that of its largest GPU, else its RAM."""
        return self.vram_max or self.ram_bytes

    @property
    def device_class(self) -> str:
        """Nodes of one class give the same picture: the model of the first GPU, else any processor (docs/scheduling.md)."""
        return f"gpu:{self.gpu_models[0].lower()}" if self.gpu_models else "cpu"

    def puts_first(self, user_id: int) -> bool:
        return any(user_id in rank for rank in self.first)

    def met_by(self, user_id: int) -> "WorkerFacts":
        """As the work of this user meets the node: one that serves them is open to them."""
        return self if self.others or not self.puts_first(user_id) else replace(self, others=True)

    def of(self, worker_id: int, owner_id: int) -> "WorkerFacts":
        """The same of another node."""
        return replace(self, worker_id=worker_id, owner_id=owner_id)


def _facts_of(*values) -> WorkerFacts:
    return WorkerFacts(**dict(zip(WorkerFacts.__slots__, values, strict=True)))


class Alike(NamedTuple):
    """Nodes that are the same to the rules."""

    facts: WorkerFacts  # of one of them
    free: int  # how many have a place where work would begin at once
    count: int = 1


@dataclass(frozen=True, slots=True)
class Learned:
    """What nodes have taught about one affinity (a scene): which of them it does not fit."""

    ran_out: frozenset[int] = frozenset()  # nodes that ran out of memory on it: never again
    memory: tuple[tuple[int, int], ...] = ()  # (RAM, working memory) of those; no node with as little of both gets it
    failed: frozenset[int] = frozenset()  # nodes that failed it several times in a row

    @property
    def memory_bytes(self) -> int:
        """So much working memory was too little."""
        return max((memory for _, memory in self.memory), default=0)


NOTHING = Learned()


class Reason(StrEnum):
    """Why a node may not do a work item."""

    NODE = "node"
    SERVES = "serves"
    USE = "use"
    OWNER = "owner"
    OWNERS = "owners"
    TRUST = "trust"
    SANDBOX = "sandbox"
    NODE_UNSANDBOXED = "node_unsandboxed"
    LOCATION = "location"
    AGENT = "agent"
    ENGINE = "engine"
    BLENDER_VERSION = "blender_version"
    DEVICE = "device"
    GPU_MAKER = "gpu_maker"
    GPU_MODEL = "gpu_model"
    GPU_COUNT = "gpu_count"
    DEVICE_CLASS = "device_class"
    RELIABILITY = "reliability"
    VRAM = "vram"
    RAM = "ram"
    RAN_OUT = "ran_out"
    MEMORY = "memory"
    FAILED = "failed"


def mismatch(requirements: Requirements, facts: WorkerFacts, learned: Learned = NOTHING) -> Reason | None:
    """The first thing that keeps this node from this work, or None when it fits. Memory comes last: its figures are shown."""
    return (
        _whose(requirements, facts)
        or _software(requirements, facts)
        or _device(requirements, facts)
        or _memory(requirements, facts)
        or (_taught(facts, learned) if learned is not NOTHING else None)
    )


def _whose(needed: Requirements, facts: WorkerFacts) -> Reason | None:
    if needed.node_only and needed.node_only != facts.worker_id:
        return Reason.NODE
    if not facts.others:
        return Reason.SERVES
    if needed.use not in facts.uses:
        return Reason.USE
    if needed.owner_only and needed.owner_only != facts.owner_id:
        return Reason.OWNER
    if needed.owner_ids and facts.owner_id not in needed.owner_ids:
        return Reason.OWNERS
    if needed.trusted_only and not facts.trusted:
        return Reason.TRUST
    if not facts.sandboxed and not facts.unsandboxed_allowed:
        return Reason.NODE_UNSANDBOXED
    if needed.sandbox_required and not facts.sandboxed:
        return Reason.SANDBOX
    if needed.locations and facts.locations.isdisjoint(needed.locations):
        return Reason.LOCATION
    if needed.reliability_bp_min > facts.reliability_bp:
        return Reason.RELIABILITY
    return None


def _software(needed: Requirements, facts: WorkerFacts) -> Reason | None:
    if needed.protocol_min > facts.protocol:
        return Reason.AGENT
    if needed.engine not in facts.engines:
        return Reason.ENGINE
    if needed.blender_version and needed.blender_version not in facts.blender_versions:
        return Reason.BLENDER_VERSION
    return None


def _device(needed: Requirements, facts: WorkerFacts) -> Reason | None:
    if needed.device == "gpu" and not facts.vram_bytes:
        return Reason.DEVICE
    models = [model.lower() for model in facts.gpu_models]
    if needed.gpu_makers and not any(maker_of(model) in needed.gpu_makers for model in models):
        return Reason.GPU_MAKER
    if needed.gpu_models and not any(part.lower() in model for part in needed.gpu_models for model in models):
        return Reason.GPU_MODEL
    if needed.gpu_count_min > sum(_counts(needed, model.lower(), size) for model, size in gpus(facts)):
        return Reason.GPU_COUNT
    if needed.device_class and needed.device_class != facts.device_class:
        return Reason.DEVICE_CLASS
    return None


def gpus(facts: WorkerFacts) -> list[tuple[str, int]]:
    """(model, memory) of each GPU; the model is empty where it is not known."""
    models = facts.gpu_models or ("",) * len(facts.vram_bytes)
    return list(zip(models, facts.vram_bytes, strict=True))


def maker_of(model: str) -> str:
    """The maker of a GPU from its name in lower case; empty when no word gives it away."""
    return next((maker for maker, words in MAKERS.items() if any(word in model for word in words)), "")


def _counts(needed: Requirements, model: str, vram_bytes: int) -> bool:
    return (
        (not needed.gpu_makers or maker_of(model) in needed.gpu_makers)
        and (not needed.gpu_models or any(part.lower() in model for part in needed.gpu_models))
        and vram_bytes >= needed.vram_bytes_min
    )


def _memory(needed: Requirements, facts: WorkerFacts) -> Reason | None:
    if needed.vram_bytes_min > facts.vram_max:
        return Reason.VRAM
    return Reason.RAM if needed.ram_bytes_min > facts.ram_bytes else None


def _taught(facts: WorkerFacts, learned: Learned) -> Reason | None:
    if facts.worker_id in learned.ran_out:
        return Reason.RAN_OUT
    if any(facts.ram_bytes <= ram and facts.memory_bytes <= memory for ram, memory in learned.memory):
        return Reason.MEMORY
    return Reason.FAILED if facts.worker_id in learned.failed else None


def softened(requirements: Requirements, learned: Learned, online: Sequence[WorkerFacts]) -> Learned:
    """A node that failed it in a row gets it all the same while no other node online fits: better that than nobody."""
    if not learned.failed or any(mismatch(requirements, facts, learned) is None for facts in online):
        return learned
    return replace(learned, failed=frozenset())
