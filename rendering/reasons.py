"""Why an attempt, a task or a job did not work out: what happens next, whose fault it is, and what its creator reads. PURE."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, get_args

from pictor_agent.protocol import FailureReason

NODES_MAX = 3  # different nodes that fail a frame before it is quarantined
ATTEMPTS_MAX = 3  # that count, on one node, before a task has failed
OWNERS_AGREEING = 2  # whose nodes say that the whole job is hopeless
LEASES_MAX = 25  # of any outcome: a frame that takes every node down must end as well


class Fault(StrEnum):
    USER = "user"
    WORKER = "worker"
    PLATFORM = "platform"


class Reason(StrEnum):
    # what a node reports (pictor_agent.protocol.FailureReason)
    ASSET_MISSING = "asset_missing"
    OUT_OF_MEMORY = "out_of_memory"
    TIME_LIMIT = "time_limit"
    RENDERER_CRASHED = "renderer_crashed"
    SCENE_UNREADABLE = "scene_unreadable"
    NO_CAMERA = "no_camera"
    NO_GPU = "no_gpu"
    BLENDER_UNAVAILABLE = "blender_unavailable"
    OUTPUT_INVALID = "output_invalid"
    DISK_FULL = "disk_full"
    SANDBOX_UNAVAILABLE = "sandbox_unavailable"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    SHUTTING_DOWN = "shutting_down"
    UPLOAD_FAILED = "upload_failed"
    AGENT_ERROR = "agent_error"
    # what the queue says (workers: the lease ended)
    LEASE_EXPIRED = "lease_expired"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    NODE_GONE = "node_gone"
    DRAINED = "drained"
    HELD_BACK = "held_back"
    PLACE_TAKEN = "place_taken"
    # what the checks say
    FILE_MISSING = "file_missing"
    UNDECODABLE = "undecodable"
    WRONG_SIZE = "wrong_size"
    WRONG_CHANNELS = "wrong_channels"
    NOT_FINITE = "not_finite"
    HASH_MISMATCH = "hash_mismatch"
    BLACK = "black"
    CONSTANT = "constant"
    DUPLICATE = "duplicate"
    DIFFERS = "differs"
    REFUTED = "refuted"
    # what happens to uploads and jobs
    UPLOAD_UNFIT = "upload_unfit"
    INSPECTION_FAILED = "inspection_failed"
    TOO_MANY_LEASES = "too_many_leases"
    QUARANTINED = "quarantined"
    NO_NODE_FITS = "no_node_fits"
    BY_CREATOR = "by_creator"
    BY_OPERATOR = "by_operator"
    CREDIT = "credit"
    CAP = "cap"
    GATE = "gate"


class Outcome(NamedTuple):
    """What a reason leads to."""

    fault: Fault
    retry: bool  # False: the task has failed at once
    counts: bool  # against NODES_MAX and ATTEMPTS_MAX
    stops_job: bool  # every other task would end alike
    words: str  # for the creator


def _user(words: str, *, retry: bool = False, stops_job: bool = True) -> Outcome:
    return Outcome(Fault.USER, retry, retry, stops_job, words)


def _worker(words: str, *, counts: bool = True) -> Outcome:
    return Outcome(Fault.WORKER, True, counts, False, words)


def _platform(words: str, *, counts: bool = False, retry: bool = True) -> Outcome:
    return Outcome(Fault.PLATFORM, retry, counts, False, words)


R = Reason
OUTCOMES: dict[Reason, Outcome] = {
    R.ASSET_MISSING: _platform("A node could not fetch a file of the scene.", counts=True),
    R.OUT_OF_MEMORY: _worker("The frame needs more memory than the node has; it waits for a larger one.", counts=False),
    R.TIME_LIMIT: _user("The frame took longer than a frame may take.", retry=True, stops_job=False),
    R.RENDERER_CRASHED: _worker("Blender crashed on the node."),
    R.SCENE_UNREADABLE: _user("Blender cannot open the file.", retry=True),
    R.NO_CAMERA: _user("The scene has no camera.", retry=True),
    R.NO_GPU: _worker("The job asks for a GPU, and Blender saw none on the node."),
    R.BLENDER_UNAVAILABLE: _worker("The node could not fetch the Blender version that the job needs."),
    R.OUTPUT_INVALID: _worker("The node wrote no image."),
    R.DISK_FULL: _worker("The node has no disk left for the files of the scene."),
    R.SANDBOX_UNAVAILABLE: _worker("The node could not start its sandbox.", counts=False),
    R.CANCELLED: _platform("The server took the frame back from the node."),
    R.PAUSED: _worker("The node's owner paused it.", counts=False),
    R.SHUTTING_DOWN: _worker("The node was shut down.", counts=False),
    R.UPLOAD_FAILED: _worker("The node could not send the frame."),
    R.AGENT_ERROR: _worker("The node's program failed."),
    R.LEASE_EXPIRED: _worker("The node stopped answering.", counts=False),
    R.NOT_ACKNOWLEDGED: _worker("The node did not answer the assignment.", counts=False),
    R.NODE_GONE: _worker("The node went offline.", counts=False),
    R.DRAINED: _worker("The node gave the frame back.", counts=False),
    R.HELD_BACK: _platform("The job was paused before the node began."),
    R.PLACE_TAKEN: _platform("The node was busy with another frame."),
    R.FILE_MISSING: _worker("The frame did not arrive."),
    R.UNDECODABLE: _worker("The frame could not be read."),
    R.WRONG_SIZE: _worker("The frame has another size than ordered."),
    R.WRONG_CHANNELS: _worker("The frame has other channels than ordered."),
    R.NOT_FINITE: _worker("The frame holds values that are no numbers."),
    R.HASH_MISMATCH: _worker("The frame is not the one that the node committed to."),
    R.BLACK: _platform("The frame is black; it is rendered once more to make sure."),
    R.CONSTANT: _platform("The frame is one flat colour; it is rendered once more to make sure."),
    R.DUPLICATE: _platform("The frame equals another one; it is rendered once more to make sure."),
    R.DIFFERS: _platform("The frame differs from the one that was accepted before; it is rendered once more to make sure."),
    R.REFUTED: _worker("The picture was proved wrong: nodes of two other owners came to the same, different one."),
    R.UPLOAD_UNFIT: _user("The upload cannot be used."),
    R.INSPECTION_FAILED: _platform("The file could not be inspected.", retry=False),
    R.TOO_MANY_LEASES: _platform("Too many nodes gave the frame back.", retry=False),
    R.QUARANTINED: _user(
        "Three different nodes failed on this frame, so the scene is the likely cause. The other frames go on.", stops_job=False
    ),
    R.NO_NODE_FITS: _user("No node online has what the job asks for.", retry=True, stops_job=False),
    R.BY_CREATOR: _user("By its creator."),
    R.BY_OPERATOR: _platform("By an operator.", retry=False),
    R.CREDIT: _user("Credit does not cover the next frame."),
    R.CAP: _user("The cap does not cover the next frame."),
    R.GATE: _user("The preview is ready and waits for approval."),
}
DOUBTS = frozenset({R.BLACK, R.CONSTANT, R.DUPLICATE, R.DIFFERS})  # settled as rendering.doubts says
NOT_A_NODES = (frozenset(Reason) - set(get_args(FailureReason))) | {"accepted"}  # words that only the server says


def outcome(reason: str) -> Outcome:
    """What `reason` leads to; an unknown one (a newer agent) is the worker's."""
    try:
        return OUTCOMES[Reason(reason)]
    except ValueError:
        return _worker("The node reported an unknown problem.")


def said_by_node(reason: str) -> str:
    """What a node says of its failure. The server's own words are not a node's: with them it could end a job in its
    creator's name, or have a failure counted as a frame."""
    return Reason.AGENT_ERROR.value if reason in NOT_A_NODES else reason


def words(reason: str) -> str:
    return outcome(reason).words if reason else ""


NOBODY_ELSE = "No node of another owner that fits was online to try it. Render it again when one is."


class Verdict(NamedTuple):
    """What becomes of a task after an attempt that ended badly."""

    failed: bool
    reason: Reason | str
    nobody_else: bool = False  # it has failed because nobody else could try it: see NOBODY_ELSE


def verdict(reason: str, strikes: Sequence[int], *, agreeing: int = 1, owners: int = 1, others_wait: bool = False) -> Verdict:
    """What `reason` does to a task. `strikes`: the node of each attempt that counts, this one too if it counts.

    Three different nodes do not all break down on one frame: it is quarantined, and the scene is to blame. One node that
    fails it three times ends it as well, for that node's reason, where nobody else is there. A reason that ends the whole
    job is believed once the nodes of OWNERS_AGREEING owners say so. One owner's nodes end nothing that another's could try.

    Args:
        agreeing: how many owners' nodes gave a reason for this task that ends its job.
        owners: how many owners the nodes of `strikes` have.
        others_wait: is a node that fits online, of an owner who has none among them?
    """
    if not outcome(reason).retry or (outcome(reason).stops_job and agreeing >= OWNERS_AGREEING):
        return Verdict(True, reason)
    if others_wait:
        return Verdict(False, reason)
    if len(set(strikes)) >= NODES_MAX:
        return Verdict(True, Reason.QUARANTINED)
    worn_out = max(Counter(strikes).values(), default=0) >= ATTEMPTS_MAX
    ends = worn_out and (owners < OWNERS_AGREEING or not outcome(reason).stops_job)
    return Verdict(ends, reason, nobody_else=ends)


def asks_for_others(strikes: Sequence[int], owners: int) -> bool:
    """Are these enough to end a frame, unless somebody else could try it? Three nodes of several owners are, whoever waits."""
    different = len(set(strikes))
    if different >= NODES_MAX:
        return owners < OWNERS_AGREEING
    return max(Counter(strikes).values(), default=0) >= ATTEMPTS_MAX
