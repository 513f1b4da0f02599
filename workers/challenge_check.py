"""Whether a node did the work of a challenge: some of its products, looked at without making any. Pure.

A product of n x n numbers is checked by Freivalds' test in n x n steps: C = A B is wrong only if C r = A (B r) fails for some
vector r; one random r mod PRIME misses a wrong product with a chance of 1 in PRIME at most, ROUNDS of them with 1 in
PRIME ** ROUNDS, less than 2 ** -63. So of a block that is shown not one number may be wrong; of those that are not shown,
`chance_to_pass` says what somebody risks who made up a share of them.

The caller draws `numbers` after the node has committed to `root`, and the vectors after it has shown its blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from pictor_agent.challenge import PRIME, Challenge, digest, digest_at, first_block, opening_bytes, root_of, step
from workers.refusals import Refusal

if TYPE_CHECKING:
    import numpy as np  # where something is computed: 20 MB that a web process does without

ROUNDS = 8
SHOWN = 16  # blocks: a node that made up a quarter of them passes with a chance of 1 %
# No machine hashes one stream, or multiplies, faster than this; the blocks are made and hashed one after the other.
HASHED_BYTES_PER_SECOND_MAX = 5e9
OPERATIONS_PER_SECOND_MAX = 1e15


def draw(challenge: Challenge, rng: Random, count: int = SHOWN) -> list[int]:
    """The blocks that the node must show."""
    return sorted(rng.sample(range(1, challenge.blocks), min(count, challenge.blocks - 1)))


def chance_to_pass(made_up: float, shown: int = SHOWN) -> float:
    """Of somebody who made up this share of all blocks."""
    return (1 - made_up) ** shown


def seconds_min(challenge: Challenge) -> float:
    """Whoever answers sooner has not done the work."""
    return max(
        challenge.memory_bytes / HASHED_BYTES_PER_SECOND_MAX,
        challenge.operations / OPERATIONS_PER_SECOND_MAX,
    )


def time_refusal(challenge: Challenge, seconds: float, *, seconds_max: float) -> Refusal | None:
    """`seconds`: by the server's clock, from the seed to the commitment."""
    if seconds < seconds_min(challenge):
        return Refusal.TOO_FAST
    return Refusal.TOO_LATE if seconds > seconds_max else None


def refusal(challenge: Challenge, root: bytes, numbers: Sequence[int], opening: bytes, rng: Random) -> Refusal | None:
    """What is wrong with the blocks that were shown, or None when nothing is."""
    import numpy as np

    if len(opening) != opening_bytes(challenge, len(numbers)):
        return Refusal.MALFORMED
    begin = opening_bytes(challenge, 0)
    digests = opening[:begin]
    if root_of(digests) != root:
        return Refusal.OTHER_ROOT
    if digest_at(digests, 0) != digest(first_block(challenge)):
        return Refusal.OTHER_BLOCK
    pairs = np.frombuffer(opening, np.uint8, offset=begin).reshape(len(numbers), 2, challenge.side, challenge.side)
    found = (_block_refusal(challenge, digests, number, *pair, rng) for number, pair in zip(numbers, pairs, strict=True))
    return next((why for why in found if why), None)


def _block_refusal(
    challenge: Challenge, digests: bytes, number: int, block: np.ndarray, left: np.ndarray, rng: Random
) -> Refusal | None:
    made_of = step(challenge, number, digest_at(digests, number - 1))
    if digest(block) != digest_at(digests, number) or digest(left) != digest_at(digests, made_of.back):
        return Refusal.OTHER_BLOCK
    return None if is_product(block, left, made_of.right, rng) else Refusal.WRONG_PRODUCT


def is_product(product: np.ndarray, left: np.ndarray, right: np.ndarray, rng: Random, rounds: int = ROUNDS) -> bool:
    """Freivalds' test, all rounds at once."""
    import numpy as np

    side = product.shape[0]
    vectors = np.array([rng.randrange(PRIME) for _ in range(side * rounds)]).reshape(side, rounds)
    return np.array_equal(_times(product, vectors), _times(left, _times(right, vectors))) and int(product.max()) < PRIME


def _times(matrix: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Mod PRIME; exact in float64."""
    import numpy as np

    return (matrix.astype(np.float64) @ vectors.astype(np.float64)).astype(np.int64) % PRIME
