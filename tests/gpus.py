"""GPUs without GPUs: the challenge by numpy, as the definition says it, and OpenCL's driver for processors (pocl), which runs the kernels."""

import hashlib

from pictor_agent import gpu_challenge
from pictor_agent.gpu_challenge import GpuChallenge


class ByNumpy:
    """An honest GPU, alone in its node unless `alone` is false; `spoil` makes it one that lies about some of its blocks."""

    def __init__(self, challenge: GpuChallenge, spoil=lambda number, block: block, *, alone: bool = True) -> None:
        self.challenge, self.spoil, self.roots, self.blocks = challenge, spoil, b"", []
        if alone:
            solve([self])

    def make(self, layer: int, links: bytes) -> bytes:
        key, begin = self.challenge.key(links, layer), layer * self.challenge.width
        made = [self.spoil(begin + place, self._block(key, layer, place)) for place in range(self.challenge.width)]
        self.blocks += made
        self.roots += self._tree(made)[1]
        return self.roots[-32:]

    def _block(self, key: bytes, layer: int, place: int):
        if layer == 0:
            return gpu_challenge.first_block(key, place)
        lefts = gpu_challenge.lefts(key, layer * self.challenge.width + place, self.challenge.width)
        return gpu_challenge.make([self.blocks[left] for left in lefts], gpu_challenge.right(key))

    def _tree(self, blocks: list) -> list[bytes]:
        """The hash of node n at place n: the root is 1, the blocks begin at `width`."""
        width = self.challenge.width
        tree = [b""] * width + [hashlib.sha256(block.tobytes()).digest() for block in blocks]
        for node in range(width - 1, 0, -1):
            tree[node] = hashlib.sha256(tree[2 * node] + tree[2 * node + 1]).digest()
        return tree

    def opening(self, numbers, links: bytes | None = None) -> bytes:
        """`links`: where it is not alone."""
        parts, width = [self.roots], self.challenge.width
        for number in gpu_challenge.wanted(self.challenge, links or gpu_challenge.links_of([self.roots]), numbers):
            layer, place = divmod(number, width)
            tree, node = self._tree(self.blocks[layer * width : (layer + 1) * width]), width + place
            parts.append(self.blocks[number].tobytes())
            while node > 1:
                parts.append(tree[node ^ 1])
                node //= 2
        return b"".join(parts)


def solve(gpus: list[ByNumpy]) -> None:
    """Layer by layer, together."""
    links = b""
    for layer in range(max(gpu.challenge.layers for gpu in gpus)):
        links += gpu_challenge.link([gpu.make(layer, links) for gpu in gpus if layer < gpu.challenge.layers])


def openings_of(gpus: list[ByNumpy], numbers) -> bytes:
    links = gpu_challenge.links_of([gpu.roots for gpu in gpus])
    return b"".join(gpu.opening(each, links) for gpu, each in zip(gpus, numbers, strict=True))


def all_of(seed: bytes, sizes) -> list[ByNumpy]:
    """Those of an honest node."""
    gpus = [ByNumpy(GpuChallenge(gpu_challenge.seed_of(seed, gpu), *size), alone=False) for gpu, size in enumerate(sizes)]
    solve(gpus)
    return gpus


def one_for_all(seed: bytes, sizes) -> list[ByNumpy]:
    """What the first of these makes, said for each, with links that fit: the best that a single GPU can do in time."""
    challenges = [gpu.challenge for gpu in all_of(seed, sizes)]
    gpus = [ByNumpy(challenges[0], alone=False) for _ in challenges]
    solve(gpus)
    for gpu, asked in zip(gpus, challenges, strict=True):
        gpu.challenge = asked
    return gpus


def commitment_of(gpus: list[ByNumpy]) -> bytes:
    return gpu_challenge.commitment([gpu.roots for gpu in gpus])
