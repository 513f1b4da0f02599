"""A challenge of work and of memory: a chain of matrix products that only a machine which made them all can open.

A block is a square of numbers mod PRIME. Block 0 comes from the server's seed; every other one is the product of an earlier
block and a matrix, both named by the hash of the block just before. So the blocks can only be made one after the other, and
whoever threw an earlier one away makes it again when it is named, and those that it came from.

The node commits to the hashes of all blocks, and only then learns which it must show; the server checks the products that it
is shown (workers.challenge_check) and never makes one. All arithmetic is exact, so that every machine gets the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np  # where something is computed: 20 MB that a web process does without

PRIME = 251  # below 256: a number is a byte
DIGEST_BYTES = 32
EXACT_IN_SINGLE = 2**24  # integers below are exact as float32, whatever the order of a sum
SIDE_MAX = 4_096  # of which sums are below 2 ** 31
BLOCKS_MAX = 1 << 20


class Stopped(Exception):
    """The caller wants no further block."""


@dataclass(frozen=True)
class Challenge:
    """What the server asks for."""

    seed: bytes
    side: int  # numbers in a row of a block
    blocks: int

    def __post_init__(self) -> None:
        if not (len(self.seed) >= 16 and 2 <= self.side <= SIDE_MAX and 2 <= self.blocks <= BLOCKS_MAX):
            raise ValueError("no such challenge")

    @property
    def block_bytes(self) -> int:
        return self.side * self.side

    @property
    def memory_bytes(self) -> int:
        """What a machine holds at the end."""
        return self.blocks * self.block_bytes

    @property
    def operations(self) -> int:
        """Multiplications and additions of all products."""
        return 2 * self.side**3 * (self.blocks - 1)


class Step(NamedTuple):
    """How block `number` comes about."""

    back: int  # the earlier block on the left
    right: np.ndarray


def first_block(challenge: Challenge) -> np.ndarray:
    return _numbers(challenge.seed + b"first", challenge.side)


def step(challenge: Challenge, number: int, digest_before: bytes) -> Step:
    """What block `number` is made of, given the hash of block `number - 1`."""
    name = challenge.seed + number.to_bytes(8, "little") + digest_before
    back = int.from_bytes(hashlib.sha256(b"back" + name).digest()[:8], "little") % number
    return Step(back, _numbers(b"right" + name, challenge.side))


def _numbers(name: bytes, side: int) -> np.ndarray:
    """A square of numbers that `name` alone decides; raw words, because numpy promises those for all versions."""
    import numpy as np

    key = int.from_bytes(hashlib.sha256(name).digest()[:16], "little")
    words = np.random.Philox(key=key).random_raw(-(-side * side // 8))
    numbers = words.astype("<u8").view(np.uint8)[: side * side]
    return (numbers - PRIME * (numbers >= PRIME).view(np.uint8)).reshape(side, side)


def multiply(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Their product mod PRIME, exact: no sum is too large for the floats in which processors multiply best."""
    import numpy as np

    kind = np.float32 if left.shape[1] * (PRIME - 1) ** 2 < EXACT_IN_SINGLE else np.float64
    return ((left.astype(kind) @ right.astype(kind)).astype(np.int32) % PRIME).astype(np.uint8)


def digest(block: np.ndarray) -> bytes:
    return hashlib.sha256(block.tobytes()).digest()


def root_of(digests: bytes) -> bytes:
    """What a node commits to: one hash over those of all blocks."""
    return hashlib.sha256(b"pictor challenge v1\n" + digests).digest()


@dataclass(frozen=True)
class Answer:
    """All blocks, as the node holds them until it has shown some."""

    challenge: Challenge
    held: list[np.ndarray]
    digests: bytes  # of all blocks, one after the other

    @property
    def root(self) -> bytes:
        return root_of(self.digests)

    def opening(self, numbers: Sequence[int]) -> bytes:
        """All hashes, then for each of these blocks itself and the one on its left."""
        parts = [self.digests]
        for number in numbers:
            back = step(self.challenge, number, digest_at(self.digests, number - 1)).back
            parts += [self.held[number].tobytes(), self.held[back].tobytes()]
        return b"".join(parts)


def opening_bytes(challenge: Challenge, count: int) -> int:
    """The size of an opening of `count` blocks."""
    return challenge.blocks * DIGEST_BYTES + count * 2 * challenge.block_bytes


def digest_at(digests: bytes, number: int) -> bytes:
    return digests[number * DIGEST_BYTES : (number + 1) * DIGEST_BYTES]


def answer(challenge: Challenge, go_on: Callable[[int], bool] = lambda number: True) -> Answer:
    """Do the work. `go_on` is asked before every block.

    Raises:
        Stopped: `go_on` said no.
    """
    block = first_block(challenge)
    held, digests = [block], [digest(block)]
    for number in range(1, challenge.blocks):
        if not go_on(number):
            raise Stopped
        made_of = step(challenge, number, digests[-1])
        block = multiply(held[made_of.back], made_of.right)
        held.append(block)
        digests.append(digest(block))
    return Answer(challenge, held, b"".join(digests))
