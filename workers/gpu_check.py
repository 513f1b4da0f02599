"""Whether a node's GPUs did the work of their challenge, each with memory of its own, all at the same time. Pure.

A block that is shown comes with those that it was made of; it is made again here (64 x 64 numbers: a millisecond), and all of them
must stand where the node had committed to. Whoever made up a share of the blocks passes with the chance of
challenge_check.chance_to_pass. The numbers are drawn after the node has committed. That its GPUs held all of it at the same time
follows from their links: each layer is made of what lies anywhere in all layers before it, and none begins before it has ended on
all of them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import median

from pictor_agent import gpu_challenge
from pictor_agent.gpu_challenge import BLOCK_BYTES, DIGEST_BYTES, LEFTS, SIDE, GpuChallenge, commitment, opening_bytes, root_at
from workers.refusals import Refusal

SHOWN, SHOWN_OF_ALL, SHOWN_MIN = 16, 64, 4  # of one GPU; of a node's together; of one among very many
OF_FIRST_LAYER = 4
# Each block is read and written with those it is made of: no memory on a card moves more in a second, and no card that renders less.
BYTES_PER_SECOND_MAX, BLOCKS_BYTES_PER_SECOND_MIN = 3e13, 0.5e9
SECONDS_MORE = 10.0  # for the line and the driver, of what may be late
SHOW_SECONDS, SHOW_SECONDS_EACH = 3.0, 0.1  # for the line, and for each GPU: whatever the challenge took
PEERS_MIN = 5  # owners with the same model
TIMES_SLOWER = 2.0  # than the median of the model


def draw(challenges: Sequence[GpuChallenge], rng: Random) -> list[list[int]]:
    """The blocks that each GPU must show; those of layer 0 only as they are."""
    count = max(SHOWN_MIN, min(SHOWN, SHOWN_OF_ALL // len(challenges)))
    return [_draw(challenge, count, rng) for challenge in challenges]


def _draw(challenge: GpuChallenge, count: int, rng: Random) -> list[int]:
    made = range(challenge.width, challenge.blocks)
    first = rng.sample(range(challenge.width), min(OF_FIRST_LAYER, challenge.width))
    return sorted([*first, *rng.sample(made, min(count, len(made)))])


# Time ------------------------------------------------------------------------------------------------------------------


def memory_bytes(challenges: Sequence[GpuChallenge]) -> int:
    """Of the largest: all begin together, and the last one ends it."""
    return max(challenge.memory_bytes for challenge in challenges)


def time_refusal(
    challenges: Sequence[GpuChallenge], solved: float, shown: float, peers: Sequence[Sequence[float]]
) -> Refusal | None:
    """By the server's clock.

    Args:
        solved: seconds from the seed to the commitment.
        shown: seconds from the order what to show to the hash of it.
        peers: of each model among them bytes a second, one figure of each other owner.
    """
    size = memory_bytes(challenges)
    if solved < size * (LEFTS + 1) / BYTES_PER_SECOND_MAX:
        return Refusal.GPU_TOO_FAST
    if solved > size / BLOCKS_BYTES_PER_SECOND_MIN + SECONDS_MORE:
        return Refusal.GPU_TOO_LATE
    if shown > SHOW_SECONDS + SHOW_SECONDS_EACH * len(challenges):
        return Refusal.GPU_NOT_KEPT
    return Refusal.GPU_SLOW if _is_slow(size / solved, peers) else None


def _is_slow(bytes_per_second: float, peers: Sequence[Sequence[float]]) -> bool:
    """Fewer cards than it says, or memory that is held by something else. Faster is nobody's harm, and may be the only honest one.

    All go at the pace of the slowest: of several models the slowest that is known is the measure.
    """
    usual = [median(figures) for figures in peers if len(figures) >= PEERS_MIN]
    return bool(usual) and bytes_per_second * TIMES_SLOWER < min(usual)


# What was shown ---------------------------------------------------------------------------------------------------------


def sizes(challenges: Sequence[GpuChallenge], numbers: Sequence[Sequence[int]]) -> list[int]:
    """Of the openings, one after the other."""
    return [opening_bytes(challenge, shown) for challenge, shown in zip(challenges, numbers, strict=True)]


def refusal(
    challenges: Sequence[GpuChallenge], root: bytes, numbers: Sequence[Sequence[int]], content: bytes
) -> Refusal | None:
    """What is wrong with the openings of all GPUs, or None when nothing is."""
    expected = sizes(challenges, numbers)
    if len(content) != sum(expected):
        return Refusal.MALFORMED
    openings, begin = [], 0
    for size in expected:
        openings.append(memoryview(content)[begin : begin + size])
        begin += size
    all_roots = [
        bytes(opening[: challenge.layers * DIGEST_BYTES]) for challenge, opening in zip(challenges, openings, strict=True)
    ]
    if commitment(all_roots) != root:
        return Refusal.OTHER_ROOT
    links = gpu_challenge.links_of(all_roots)
    found = (
        _refusal(challenge, roots, links, shown, opening[len(roots) :])
        for challenge, roots, shown, opening in zip(challenges, all_roots, numbers, openings, strict=True)
    )
    return next((why for why in found if why), None)


def _refusal(challenge: GpuChallenge, roots: bytes, links: bytes, numbers: Sequence[int], shown: memoryview) -> Refusal | None:
    import numpy as np  # where something is computed: 20 MB that a web process does without

    size, blocks = BLOCK_BYTES + challenge.path_bytes, {}
    for at, number in enumerate(gpu_challenge.wanted(challenge, links, numbers)):
        part = bytes(shown[at * size : (at + 1) * size])
        layer, place = divmod(number, challenge.width)
        if gpu_challenge.root_from(part[:BLOCK_BYTES], place, part[BLOCK_BYTES:]) != root_at(roots, layer):
            return Refusal.OTHER_BLOCK
        blocks[number] = np.frombuffer(part[:BLOCK_BYTES], np.uint8).reshape(SIDE, SIDE)
    first = challenge.key(links, 0)
    for number, block in blocks.items():
        if number < challenge.width and not np.array_equal(block, gpu_challenge.first_block(first, number)):
            return Refusal.OTHER_BLOCK
    made = (number for number in numbers if number >= challenge.width)
    return next((Refusal.WRONG_PRODUCT for number in made if not _is_made(challenge, links, number, blocks)), None)


def _is_made(challenge: GpuChallenge, links: bytes, number: int, blocks: dict) -> bool:
    import numpy as np

    key = challenge.key(links, number // challenge.width)
    lefts = [blocks[left] for left in gpu_challenge.lefts(key, number, challenge.width)]
    return np.array_equal(blocks[number], gpu_challenge.make(lefts, gpu_challenge.right(key)))


# All of it --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GpuRun:
    """What the server knows of the GPUs' part itself."""

    challenges: list[GpuChallenge]
    root: bytes
    numbers: list[list[int]]
    shown_sha256: bytes
    solved_seconds: float
    shown_seconds: float
    peers: list[list[float]]  # bytes a second of other owners' GPUs, of each model

    def refusal(self, shown: bytes) -> Refusal | None:
        if hashlib.sha256(shown).digest() != self.shown_sha256:
            return Refusal.OTHER_ROOT
        late = time_refusal(self.challenges, self.solved_seconds, self.shown_seconds, self.peers)
        return late or refusal(self.challenges, self.root, self.numbers, shown)

    @property
    def bytes_per_second(self) -> int:
        return round(memory_bytes(self.challenges) / max(self.solved_seconds, 1e-3))
