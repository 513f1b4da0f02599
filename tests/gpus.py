"""GPUs without GPUs: the challenge by numpy, as the definition says it, and OpenCL's driver for processors (pocl), which runs the kernels."""

import hashlib

from pictor_agent import gpu_challenge
from pictor_agent.gpu_challenge import GpuChallenge


class ByNumpy:
    """An honest GPU; `spoil` makes it one that lies about some of its blocks."""

    def __init__(self, challenge: GpuChallenge, spoil=lambda number, block: block) -> None:
        self.challenge, self.roots, self.blocks = challenge, b"", []
        for layer in range(challenge.layers):
            key = challenge.key(self.roots, layer)
            made = [spoil(layer * challenge.width + place, self._block(key, layer, place)) for place in range(challenge.width)]
            self.blocks += made
            self.roots += self._tree(made)[1]

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

    def opening(self, numbers) -> bytes:
        parts, width = [self.roots], self.challenge.width
        for number in gpu_challenge.wanted(self.challenge, self.roots, numbers):
            layer, place = divmod(number, width)
            tree, node = self._tree(self.blocks[layer * width : (layer + 1) * width]), width + place
            parts.append(self.blocks[number].tobytes())
            while node > 1:
                parts.append(tree[node ^ 1])
                node //= 2
        return b"".join(parts)


def all_of(seed: bytes, sizes) -> list[ByNumpy]:
    """Those of an honest node."""
    return [ByNumpy(GpuChallenge(gpu_challenge.seed_of(seed, gpu), *size)) for gpu, size in enumerate(sizes)]


def commitment_of(gpus: list[ByNumpy]) -> bytes:
    return gpu_challenge.commitment([gpu.roots for gpu in gpus])
