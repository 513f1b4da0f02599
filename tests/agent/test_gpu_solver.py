"""The challenge of GPUs by OpenCL's own compiler and run time, on a processor (pocl): the kernels that a GPU runs, bit for bit."""

from random import Random

import pytest

from pictor_agent import gpu_challenge, gpu_solver, opencl, reference
from pictor_agent.gpu_challenge import BLOCK_BYTES
from pictor_agent.gpu_solver import AllGpus, CannotAnswer, Solver
from tests.gpus import all_of, commitment_of, openings_of
from workers import gpu_check

SEED = b"s" * 32
GIB = 1 << 30


@pytest.fixture(scope="module")
def device() -> opencl.Device:
    return opencl.devices(opencl.ALL)[0]


@pytest.fixture
def gpus(device):
    made = []

    def make(*sizes: tuple[int, int]) -> AllGpus:
        made.append(AllGpus([Solver(device, *size) for size in sizes]))
        return made[-1]

    yield make
    for each in made:
        each.close()


class KernelTests:
    @pytest.mark.parametrize("sizes", [[(2, 2)], [(8, 6)], [(64, 9)], [(16, 17)], [(8, 6), (16, 4), (8, 6)]])
    def test_they_make_what_the_definition_says(self, gpus, sizes):
        mine = gpus(*sizes)
        root, seconds = mine.solve(SEED)
        assert [each.found for each in mine.solvers] == [each.roots for each in all_of(SEED, sizes)]
        assert root == commitment_of(all_of(SEED, sizes))
        assert seconds > 0

    def test_every_block_is_the_same_wherever_it_lies(self, gpus):
        """In eight buffers, of which the last is shorter."""
        sizes, numbers = [(8, 13), (8, 11)], [range(8 * 13), range(8 * 11)]
        mine = gpus(*sizes)
        mine.solve(SEED)
        assert b"".join(mine.openings(numbers)) == openings_of(all_of(SEED, sizes), numbers)

    def test_another_seed_is_another_answer(self, gpus):
        mine = gpus((8, 4))
        assert mine.solve(SEED)[0] != mine.solve(b"t" * 32)[0]
        assert mine.solve(SEED)[0] == commitment_of(all_of(SEED, [(8, 4)])), "and nothing of an earlier one is left"


class AllTests:
    @pytest.mark.parametrize("sizes", [[(32, 8)], [(8, 6), (16, 4)]])
    def test_the_server_believes_what_they_show(self, gpus, sizes):
        mine = gpus(*sizes)
        root, _ = mine.solve(SEED)
        challenges = [each.challenge for each in mine.solvers]
        numbers = gpu_check.draw(challenges, Random(2))
        assert gpu_check.refusal(challenges, root, numbers, b"".join(mine.openings(numbers))) is None

    def test_more_than_there_are_cannot_be_answered_for(self, device):
        with pytest.raises(CannotAnswer, match="8 GPUs are named, and OpenCL finds") as problem:
            AllGpus.prepared([(8, 4)] * 8, opencl.ALL)
        assert not problem.value.held

    def test_memory_that_is_not_there_is_said_before_the_seed_is_known(self, device):
        with pytest.raises(CannotAnswer, match="GiB free") as problem:
            AllGpus.prepared([(1 << 16, 1 << 14)], opencl.ALL)
        assert problem.value.held

    def test_a_processor_is_no_gpu(self):
        with pytest.raises(CannotAnswer, match="1 GPUs are named, and OpenCL finds 0"):
            AllGpus.prepared([(8, 4)])

    def test_without_opencl_it_is_said(self, monkeypatch):
        monkeypatch.setattr(opencl, "ON_OTHERS", "libNoSuchOpenCL.so.9")
        opencl._library.cache_clear()
        with pytest.raises(CannotAnswer, match="loader is not installed"):
            AllGpus.prepared([(8, 4)])
        opencl._library.cache_clear()


class SizeTests:
    @pytest.mark.parametrize("gib", [1, 2, 4, 8, 12, 24, 80, 192])
    def test_most_of_a_cards_memory_is_asked_for_and_not_all(self, gib):
        layers = reference.gpu_layers(gib * GIB)
        asked = layers * reference.GPU_WIDTH * (BLOCK_BYTES + 32)
        assert asked <= gib * GIB - min(3 * GIB // 2, gib * GIB // 2) * (gib < 15)
        assert asked >= gib * GIB * (0.88 if gib >= 15 else 0.4)

    def test_a_card_of_an_absurd_size_is_asked_for_a_bounded_one(self):
        assert reference.gpu_layers(2**53) == gpu_challenge.LAYERS_MAX

    def test_the_banks_hold_all_layers(self):
        for layers in range(2, 200):
            size = -(-layers // gpu_solver.BANKS)
            assert -(-layers // size) <= gpu_solver.BANKS
