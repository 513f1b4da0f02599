"""A challenge for the memory of a GPU: layers of small matrices, each made of sixteen earlier ones that nobody could foresee.

A block is SIDE x SIDE numbers mod PRIME, a byte each. Layer 0 comes from the seed. Every other layer has a key, the hash of the
seed and of the layer before; of the key come one matrix, and for each block the numbers of LEFTS earlier blocks. The block is the
sum of those, times that matrix. "The layer before" is that of all GPUs of the node together, its link: no GPU begins a layer before
the others have ended theirs, so that one alone cannot make their answers one after the other in the same memory. So whoever kept only part of the blocks makes those again that are named, and those that they came
from: with a sixteenth missing each of them names one more, and it never ends. Reading LEFTS blocks for each one that is written is
what a GPU's memory is good at, and what the line to the host's memory is not.

All arithmetic is exact, in 32 bits without sign, so that every GPU gets the same (gpu_challenge.cl). A layer's hash is the root of
a tree of hashes over its blocks, so that one block is shown with a few hashes beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np  # where something is computed: 20 MB that a web process does without

SIDE, PRIME, LEFTS = 64, 251, 16
BLOCK_BYTES = SIDE * SIDE
DIGEST_BYTES = 32
WIDTH_MAX = 1 << 16
LAYERS_MAX = 1 << 14
NOTHING_BEFORE = bytes(DIGEST_BYTES)  # of layer 0


@dataclass(frozen=True)
class GpuChallenge:
    """What one GPU is asked for."""

    seed: bytes
    width: int  # blocks in a layer, a power of two
    layers: int

    def __post_init__(self) -> None:
        is_power = self.width > 1 and self.width & (self.width - 1) == 0
        if not (len(self.seed) == DIGEST_BYTES and is_power and self.width <= WIDTH_MAX and 2 <= self.layers <= LAYERS_MAX):
            raise ValueError("no such challenge")

    @property
    def blocks(self) -> int:
        return self.width * self.layers

    @property
    def memory_bytes(self) -> int:
        """What the GPU holds at the end."""
        return self.blocks * BLOCK_BYTES

    @property
    def path_bytes(self) -> int:
        return (self.width.bit_length() - 1) * DIGEST_BYTES

    def key(self, links: bytes, layer: int) -> bytes:
        """Of what `layer` is made; `links`: those of all layers before it, at least."""
        return hashlib.sha256(self.seed + (root_at(links, layer - 1) if layer else NOTHING_BEFORE)).digest()


def seed_of(seed: bytes, gpu: int) -> bytes:
    """The seed of one of a node's GPUs: none can answer for another."""
    return hashlib.sha256(seed + gpu.to_bytes(4, "little")).digest()


def root_at(roots: bytes, layer: int) -> bytes:
    return roots[layer * DIGEST_BYTES : (layer + 1) * DIGEST_BYTES]


def link(roots: Sequence[bytes]) -> bytes:
    """Of one layer: over its hashes on all GPUs that have so many layers, in their order."""
    return hashlib.sha256(b"".join(roots)).digest()


def links_of(all_roots: Sequence[bytes]) -> bytes:
    """Those of all layers."""
    layers = max(map(len, all_roots)) // DIGEST_BYTES
    return b"".join(link([root_at(roots, layer) for roots in all_roots]) for layer in range(layers))


def commitment(all_roots: Sequence[bytes]) -> bytes:
    """What a node commits to: one hash over the layers' hashes of all its GPUs."""
    return hashlib.sha256(
        b"pictor gpu challenge v2\n" + b"".join(hashlib.sha256(roots).digest() for roots in all_roots)
    ).digest()


# What a key gives ------------------------------------------------------------------------------------------------------


def mix(low: int, high: int, counters: np.ndarray) -> np.ndarray:
    """32 bits for each counter; the same in gpu_challenge.cl."""
    import numpy as np

    x = counters.astype(np.uint32) * np.uint32(0x9E3779B1) + np.uint32(low)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    x += np.uint32(high)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def _words(key: bytes) -> list[int]:
    return [int.from_bytes(key[at : at + 4], "big") for at in range(0, DIGEST_BYTES, 4)]


def _square(key: bytes, first: int) -> np.ndarray:
    import numpy as np

    low, high = _words(key)[:2]
    numbers = mix(low, high, np.arange(first, first + BLOCK_BYTES, dtype=np.uint32))
    return (numbers % np.uint32(PRIME)).astype(np.uint8).reshape(SIDE, SIDE)


def right(key: bytes) -> np.ndarray:
    """The matrix of a layer."""
    return _square(key, 0)


def first_block(key: bytes, place: int) -> np.ndarray:
    """A block of layer 0."""
    return _square(key, place * BLOCK_BYTES)


def lefts(key: bytes, number: int, width: int) -> list[int]:
    """The earlier blocks that block `number` is made of; `key`: of its layer."""
    import numpy as np

    low, high = _words(key)[2:4]
    layer, place = divmod(number, width)
    drawn = mix(low, high, np.arange(place * LEFTS, (place + 1) * LEFTS, dtype=np.uint32))
    return [int(word) * (layer * width) >> 32 for word in drawn]


def make(blocks: Sequence[np.ndarray], matrix: np.ndarray) -> np.ndarray:
    """The block made of these."""
    import numpy as np

    left = sum((block.astype(np.uint32) for block in blocks), np.zeros((SIDE, SIDE), np.uint32)) % PRIME
    return (left @ matrix.astype(np.uint32) % PRIME).astype(np.uint8)


# The tree of a layer ---------------------------------------------------------------------------------------------------


def root_from(block: bytes, place: int, path: bytes) -> bytes:
    """The layer's hash, if this block stands at this place: `path` has the hashes beside it, from below."""
    digest = hashlib.sha256(block).digest()
    for at in range(0, len(path), DIGEST_BYTES):
        beside = path[at : at + DIGEST_BYTES]
        digest = hashlib.sha256(beside + digest if place & 1 else digest + beside).digest()
        place >>= 1
    return digest


# What is shown ---------------------------------------------------------------------------------------------------------


def wanted(challenge: GpuChallenge, links: bytes, numbers: Sequence[int]) -> list[int]:
    """The blocks that an opening of `numbers` holds: each of them, and before it those that it was made of."""
    found = []
    for number in numbers:
        layer = number // challenge.width
        found += lefts(challenge.key(links, layer), number, challenge.width) if layer else []
        found.append(number)
    return found


def opening_bytes(challenge: GpuChallenge, numbers: Sequence[int]) -> int:
    """The size of an opening: all layers' hashes, then the blocks with their paths."""
    count = sum(LEFTS + 1 if number >= challenge.width else 1 for number in numbers)
    return challenge.layers * DIGEST_BYTES + count * (BLOCK_BYTES + challenge.path_bytes)
