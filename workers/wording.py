"""The one line that says why work waits or a node is idle, and what is missing. Pure."""

from collections import Counter
from collections.abc import Sequence

from common.words import plural
from workers.matching import GIB, NOTHING, Alike, Learned, Reason, Requirements, WorkerFacts, mismatch
from workers.places import name_of
from workers.serving import Use

# What is missing, so that "It needs {...}." reads on both pages.
NEEDS = {
    Reason.NODE: "the node that is measured",
    Reason.SERVES: "a node whose owner takes the work of others",
    Reason.USE: "a node that takes {use}",
    Reason.OWNER: "a node of its own creator",
    Reason.OWNERS: "a node of its own creator or team",
    Reason.TRUST: "a trusted node",
    Reason.SANDBOX: "a node with a sandbox",
    Reason.NODE_UNSANDBOXED: "a node with a sandbox, or whose owner allows work without one",
    Reason.LOCATION: "a node in {locations}",
    Reason.AGENT: "a node with a newer agent",
    Reason.ENGINE: "the engine {engine}",
    Reason.BLENDER_VERSION: "Blender {blender_version}",
    Reason.DEVICE: "a GPU",
    Reason.GPU_MAKER: "a GPU by {makers}",
    Reason.GPU_MODEL: "a GPU of the model {models}",
    Reason.GPU_COUNT: "{gpus} in one node",
    Reason.DEVICE_CLASS: "the same kind of device for all its frames ({device_class})",
    Reason.RELIABILITY: "a node with a reliability of {reliability} % or more",
    Reason.VRAM: "a GPU with {vram_gib} GB of memory",
    Reason.RAM: "{ram_gib} GB of memory",
    Reason.RAN_OUT: "more memory than the node that ran out on it",
    Reason.MEMORY: "more than {learned_gib} GB of memory, which was too little",
    Reason.FAILED: "a node that has not failed on it again and again",
}
USE_NAMES = {Use.RENDER: "renders", Use.CHECK: "checks", Use.RENT: "renters"}
MAKER_NAMES = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel", "apple": "Apple"}
AHEAD_MAX = 1_000  # tasks; of more, only that
MEMORY = frozenset({Reason.RAM, Reason.RAN_OUT, Reason.MEMORY})


def needs(reason: Reason, requirements: Requirements, learned: Learned = NOTHING) -> str:
    """The noun phrase for what is missing: "Blender 4.2.23"."""
    if reason == Reason.RAN_OUT and learned.memory:
        reason = Reason.MEMORY
    return NEEDS[reason].format(
        use=USE_NAMES[Use(requirements.use)],
        engine=requirements.engine,
        blender_version=requirements.blender_version,
        vram_gib=-(-requirements.vram_bytes_min // GIB),
        ram_gib=-(-requirements.ram_bytes_min // GIB),
        learned_gib=learned.memory_bytes // GIB,
        locations=_either(name_of(key) for key in requirements.locations),
        makers=_either(MAKER_NAMES.get(maker, maker) for maker in requirements.gpu_makers),
        models=_either(requirements.gpu_models),
        gpus=plural(requirements.gpu_count_min, "such GPU" if _particular(requirements) else "GPU"),
        device_class=requirements.device_class.partition(":")[2] or "processor",
        reliability=f"{requirements.reliability_bp_min / 100:g}",
    )


def _either(names) -> str:
    return " or ".join(names)


def _particular(requirements: Requirements) -> bool:
    return bool(requirements.gpu_makers or requirements.gpu_models or requirements.vram_bytes_min)


def explain_waiting(
    requirements: Requirements,
    nodes: Sequence[Alike],
    *,
    ahead: int,
    others: int = 0,
    learned: Learned = NOTHING,
) -> str:
    """Why a work item waits.

    Args:
        nodes: those that take work now.
        ahead: its owner's earlier work in the same tier; above AHEAD_MAX, so many and more.
        others: how many other owners have work waiting in that tier.
    """
    if not nodes:
        return "No node is online."
    fitting = [alike for alike in nodes if mismatch(requirements, alike.facts, learned) is None]
    if not fitting:
        return lacking(requirements, nodes, learned=learned)
    if any(alike.free for alike in fitting) and not ahead:
        return "A node is free; the work starts in a moment."
    queue = f", {_many(ahead)} ahead" if ahead else ""
    turns = f", taking turns with {plural(others, 'other creator')}" if others else ""
    return f"{plural(sum(alike.count for alike in fitting), 'fitting node')} online, all busy{queue}{turns}."


def _many(tasks: int) -> str:
    return plural(tasks, "task") if tasks <= AHEAD_MAX else f"more than {AHEAD_MAX:,} tasks"


def lacking(requirements: Requirements, nodes: Sequence[Alike], *, learned: Learned = NOTHING) -> str:
    """What none of these nodes has, with figures where memory is short; empty when one of them fits."""
    reasons: Counter = Counter()
    for alike in nodes:
        reasons[mismatch(requirements, alike.facts, learned)] += alike.count
    if not reasons or None in reasons:
        return ""
    short_of_memory = {reason: count for reason, count in reasons.items() if reason in MEMORY}  # these fit in all else
    reason = Counter(short_of_memory or reasons).most_common(1)[0][0]
    return f"It needs {needs(reason, requirements, learned)}; {_online(nodes, reason)}."


def _online(nodes: Sequence[Alike], reason: Reason) -> str:
    if reason in {Reason.RAN_OUT, Reason.MEMORY}:
        return f"the largest node online has {max(alike.facts.memory_bytes for alike in nodes) // GIB} GB"
    if reason == Reason.RAM:
        return f"the largest node online has {max(alike.facts.ram_bytes for alike in nodes) // GIB} GB"
    if reason == Reason.VRAM:
        return f"the largest GPU online has {max(alike.facts.vram_max for alike in nodes) // GIB} GB"
    return f"{plural(sum(alike.count for alike in nodes), 'node')} online, none fits"


STATUS_WORDS = {
    "new": "It has never connected: start the agent with its configuration file.",
    "offline": "Its agent is not connected.",
    "paused": "Paused by its owner.",
    "draining": "Its agent is stopping and takes no further work.",
    "suspended": "Suspended by an operator.",
    "retired": "Retired.",
}


def explain_idle(facts: WorkerFacts, waiting: Sequence[tuple[Requirements, Learned, int]]) -> str:
    """Why an online node without work has none.

    Args:
        waiting: what each job with waiting work needs, what was learned about it, and whose it is.
    """
    if not facts.sandboxed and not facts.unsandboxed_allowed:
        return "It has no sandbox, and work without one is not allowed: install bubblewrap on the node."
    if not waiting:
        return "No work is waiting in the queue."
    reasons = [mismatch(requirements, facts.met_by(whose), learned) for requirements, learned, whose in waiting]
    if None in reasons:
        return "Work is waiting and fits; it starts in a moment."
    missing = Counter(needs(reason, *job[:2]) for reason, job in zip(reasons, waiting, strict=True))
    jobs = f"{plural(len(waiting), 'job')} {'waits' if len(waiting) == 1 else 'wait'}"
    return f"{jobs} for nodes, none fits this one. Missing: {missing.most_common(1)[0][0]}."
