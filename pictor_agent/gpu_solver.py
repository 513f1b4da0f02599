"""The challenge of pictor_agent.gpu_challenge, on the GPUs of this machine: all at the same time, each with memory of its own."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ctypes import c_void_p
from functools import cache
from pathlib import Path

from pictor_agent import opencl
from pictor_agent.gpu_challenge import BLOCK_BYTES, DIGEST_BYTES, SIDE, GpuChallenge, commitment, link, root_at, seed_of, wanted

BANKS = 8  # buffers that the blocks lie in: of some drivers one may have no more than a quarter of the memory


class CannotAnswer(Exception):
    """Why these GPUs cannot; `held`: the memory is not there."""

    def __init__(self, words: str, *, held: bool = False) -> None:
        super().__init__(words)
        self.held = held


@cache
def _source() -> str:
    return Path(__file__).with_name("gpu_challenge.cl").read_text()


class Solver:
    """One GPU. Its memory is taken when it is made and given back by `close`."""

    def __init__(self, device: opencl.Device, width: int, layers: int) -> None:
        """
        Raises:
            opencl.Failed
        """
        self.device, self.width, self.layers = device, width, layers
        self.program = opencl.Program(device, _source())
        self.bank_layers = -(-layers // BANKS)
        full, rest = divmod(layers, self.bank_layers)
        sizes = [self.bank_layers] * full + [rest] * bool(rest)
        banks = [self.program.buffer(size * width * BLOCK_BYTES) for size in sizes]
        self.banks: list[c_void_p] = banks
        self.in_banks: list[c_void_p | int] = [*banks, *banks[:1] * (BANKS - len(banks)), self.bank_layers * width]
        self.digests = self.program.buffer(layers * width * DIGEST_BYTES)
        self.tree = self.program.buffer(width * DIGEST_BYTES)
        self.key = self.program.buffer(DIGEST_BYTES)
        self.matrix = self.program.buffer(BLOCK_BYTES * 4)
        self.program.finish()

    def begin(self, seed: bytes) -> None:
        self.challenge, self.found = GpuChallenge(seed, self.width, self.layers), b""

    def make(self, layer: int, links: bytes) -> bytes:
        """Make the next layer; returns its hash."""
        program, begin = self.program, layer * self.width
        program.write(self.key, _swapped(self.challenge.key(links, layer)))
        if layer:
            program.run("layer_matrix", BLOCK_BYTES, self.key, self.matrix)
            program.run("make_layer", self.width * SIDE, *self.in_banks, self.key, self.matrix, begin, group=SIDE)
        else:
            program.run("first_layer", self.width * BLOCK_BYTES // 4, *self.in_banks, self.key)
        program.run("hash_blocks", self.width, *self.in_banks, begin, self.digests)
        self._build_tree(layer)
        root = _swapped(program.read(self.tree, DIGEST_BYTES, DIGEST_BYTES))
        self.found += root
        return root

    def _build_tree(self, layer: int) -> None:
        """Level by level; the level of n hashes begins at place n of the tree."""
        below, begin, count = self.digests, layer * self.width, self.width // 2
        while count:
            self.program.run("hash_level", count, below, begin, self.tree, count)
            below, begin, count = self.tree, count, count // 2

    def opening(self, links: bytes, numbers: Sequence[int]) -> bytes:
        """What gpu_challenge.wanted names, with the hashes of all layers before it."""
        numbers = wanted(self.challenge, links, numbers)
        trees = {layer: self._tree_of(layer) for layer in sorted({number // self.width for number in numbers})}
        parts = [self.found]
        for number in numbers:
            layer, place = divmod(number, self.width)
            parts += [self._block(number), _path(trees[layer], self.width + place)]
        return b"".join(parts)

    def _tree_of(self, layer: int) -> bytes:
        """All its hashes: of node n at place n, of the blocks at `width` and after."""
        self._build_tree(layer)
        size = self.width * DIGEST_BYTES
        inner = self.program.read(self.tree, 0, size)
        return _swapped(inner + self.program.read(self.digests, layer * size, size))

    def _block(self, number: int) -> bytes:
        bank, place = divmod(number, self.bank_layers * self.width)
        return self.program.read(self.banks[bank], place * BLOCK_BYTES, BLOCK_BYTES)

    def close(self) -> None:
        self.program.close()


def _path(tree: bytes, node: int) -> bytes:
    """The hashes beside the way from a node up to the root."""
    parts = []
    while node > 1:
        parts.append(root_at(tree, node ^ 1))
        node //= 2
    return b"".join(parts)


def _swapped(digests: bytes) -> bytes:
    """Between words as a GPU counts with them and the bytes of a hash."""
    import numpy as np

    return np.frombuffer(digests, np.uint32).byteswap().tobytes()


class AllGpus:
    """Those of a node that it is asked about."""

    def __init__(self, solvers: list[Solver]) -> None:
        self.solvers = solvers
        self.threads = ThreadPoolExecutor(len(solvers))

    @classmethod
    def prepared(cls, sizes: Sequence[tuple[int, int]], kinds: int = opencl.GPU) -> "AllGpus":
        """Take the memory for (width, layers) of each; the larger one goes to the larger GPU.

        Raises:
            CannotAnswer
        """
        try:
            found = sorted(opencl.devices(kinds), key=lambda device: device.memory_bytes, reverse=True)
        except opencl.NoOpenCL as error:
            raise CannotAnswer(f"no GPU can be asked to compute: {error}") from error
        if len(found) < len(sizes):
            raise CannotAnswer(f"{len(sizes)} GPUs are named, and OpenCL finds {len(found)}")
        order = sorted(range(len(sizes)), key=lambda index: sizes[index][0] * sizes[index][1], reverse=True)
        device_of = dict(zip(order, found, strict=False))
        return cls([_prepared(device_of[index], *size) for index, size in enumerate(sizes)])

    def solve(self, seed: bytes) -> tuple[bytes, float]:
        """The commitment, and the seconds until the last of them was done."""
        began = time.perf_counter()
        for index, solver in enumerate(self.solvers):
            solver.begin(seed_of(seed, index))
        self.links = b""
        for layer in range(max(solver.layers for solver in self.solvers)):
            self.links += link(self._make(layer))
        return commitment([solver.found for solver in self.solvers]), time.perf_counter() - began

    def _make(self, layer: int) -> list[bytes]:
        """A layer on all that have so many."""
        have = [solver for solver in self.solvers if layer < solver.layers]
        return list(self.threads.map(lambda solver: solver.make(layer, self.links), have))

    def openings(self, numbers: Sequence[Sequence[int]]) -> list[bytes]:
        return list(self.threads.map(lambda solver, asked: solver.opening(self.links, asked), self.solvers, numbers))

    def close(self) -> None:
        for solver in self.solvers:
            solver.close()
        self.threads.shutdown()


def _prepared(device: opencl.Device, width: int, layers: int) -> Solver:
    try:
        return Solver(device, width, layers)
    except opencl.Failed as error:
        gib = width * layers * BLOCK_BYTES / (1 << 30)
        raise CannotAnswer(f"{device.name} has no {gib:.1f} GiB free: {error}", held=error.out_of_memory) from error
