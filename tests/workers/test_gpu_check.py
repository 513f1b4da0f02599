"""The challenge of GPUs as the server looks at it: whoever did the work passes, whoever has less memory or fewer cards does not."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from pictor_agent import gpu_challenge
from pictor_agent.gpu_challenge import BLOCK_BYTES, PRIME, GpuChallenge
from tests.gpus import ByNumpy, all_of, commitment_of, one_for_all, openings_of
from workers import gpu_check
from workers.refusals import Refusal

SEED = b"s" * 32
SIZES = [(8, 6), (16, 4)]
GIB = 1 << 30


def judge(gpus: list[ByNumpy], *, luck: int = 1, shown: bytes | None = None, root: bytes = b"") -> Refusal | None:
    challenges = [gpu.challenge for gpu in gpus]
    numbers = gpu_check.draw(challenges, Random(luck))
    content = openings_of(gpus, numbers) if shown is None else shown
    return gpu_check.refusal(challenges, root or commitment_of(gpus), numbers, content)


class HonestTests:
    @pytest.mark.parametrize("luck", range(5))
    def test_whoever_did_the_work_passes(self, luck):
        assert judge(all_of(SEED, SIZES), luck=luck) is None

    def test_every_gpu_makes_the_same_blocks(self):
        """The numbers of a version that is out on nodes."""
        assert ByNumpy(GpuChallenge(SEED, 8, 4)).roots[-32:].hex() == LAST_ROOT

    def test_a_block_rests_on_earlier_layers_alone_and_on_sixteen_of_their_blocks(self):
        drawn = gpu_challenge.lefts(b"k" * 32, 5 * 1024 + 7, 1024)
        assert len(drawn) == gpu_challenge.LEFTS
        assert all(0 <= number < 5 * 1024 for number in drawn)
        assert len(set(drawn)) > 12

    @pytest.mark.parametrize(
        ("seed", "width", "layers"), [(b"s", 8, 4), (SEED, 7, 4), (SEED, 1, 4), (SEED, 8, 1), (SEED, 2**17, 4)]
    )
    def test_nobody_is_asked_for_nothing_or_for_everything(self, seed, width, layers):
        with pytest.raises(ValueError, match="no such challenge"):
            GpuChallenge(seed, width, layers)


class LyingTests:
    def test_one_wrong_number_in_a_shown_block_is_caught(self):
        numbers = gpu_check.draw([GpuChallenge(SEED, 8, 6)], Random(1))[0]

        def spoil(number, block):
            if number == numbers[-1]:
                block[3, 4] = (int(block[3, 4]) + 1) % PRIME
            return block

        assert judge([ByNumpy(GpuChallenge(SEED, 8, 6), spoil)]) == Refusal.WRONG_PRODUCT

    def test_a_first_layer_of_ones_own_is_caught(self):
        """All zeros: every block after them is zero, and none has to be kept."""
        lazy = ByNumpy(GpuChallenge(SEED, 8, 6), lambda number, block: np.zeros_like(block))
        assert judge([lazy]) == Refusal.OTHER_BLOCK

    def test_a_share_of_made_up_blocks_is_caught_as_often_as_is_promised(self):
        challenge = GpuChallenge(SEED, 16, 9)
        made_up = set(Random(7).sample(range(16, challenge.blocks), 32))  # a quarter
        liar = ByNumpy(challenge, lambda number, block: np.full_like(block, number % PRIME) if number in made_up else block)
        passed = sum(judge([liar], luck=luck) is None for luck in range(60))
        assert passed <= 5, "of 60 with a chance of 1 %, five standard deviations away"

    def test_the_answer_of_another_node_is_none(self):
        mine = GpuChallenge(SEED, 8, 6)
        other = ByNumpy(replace(mine, seed=b"t" * 32))
        other.challenge = mine
        assert judge([other]) == Refusal.OTHER_BLOCK

    def test_one_gpu_cannot_answer_for_two(self):
        """Each has a seed of its own."""
        assert judge(one_for_all(SEED, [(8, 6), (8, 6)])) == Refusal.OTHER_BLOCK

    def test_answers_that_were_made_one_after_the_other_are_none(self):
        """Who has one GPU of two would make the first's, put another in its place, and make the second's in the same memory."""
        challenges = [gpu.challenge for gpu in all_of(SEED, [(8, 6), (8, 6)])]
        assert judge([ByNumpy(challenge) for challenge in challenges]) == Refusal.WRONG_PRODUCT

    def test_another_answer_than_was_committed_to(self):
        assert judge(all_of(SEED, SIZES), root=b"x" * 32) == Refusal.OTHER_ROOT

    @pytest.mark.parametrize("change", [lambda shown: shown[:-1], lambda shown: shown + b"x", lambda shown: b""])
    def test_cut_and_padded_openings_are_refused(self, change):
        gpus = all_of(SEED, SIZES)
        numbers = gpu_check.draw([gpu.challenge for gpu in gpus], Random(1))
        shown = openings_of(gpus, numbers)
        assert judge(gpus, shown=change(shown)) == Refusal.MALFORMED

    def test_other_blocks_than_asked_for_are_refused(self):
        (gpu,) = all_of(SEED, [(8, 6)])
        asked = gpu_check.draw([gpu.challenge], Random(1))[0]
        others = [8 + (number - 7) % 40 if number >= 8 else number for number in asked]
        assert judge([gpu], shown=gpu.opening(others)) == Refusal.OTHER_BLOCK


class MemoryTests:
    """What it costs to have less memory than was asked for: blocks that are made again."""

    def made_again(self, kept: float) -> float:
        """How many are made for each one that is asked for, when this share is kept; 1 is all of them kept, 2,000 is not counted on."""
        challenge, rng = GpuChallenge(SEED, 64, 12), Random(3)
        roots = bytes(32 * challenge.layers)
        held = {number: rng.random() < kept for number in range(challenge.blocks)}

        def cost(number: int, left: list[int]) -> int:
            left[0] -= 1
            if left[0] < 0:
                return 0
            layer = number // challenge.width
            lefts = gpu_challenge.lefts(challenge.key(roots, layer), number, challenge.width) if layer else []
            return 1 + sum(cost(each, left) for each in lefts if not held[each])

        last = range(challenge.blocks - 20, challenge.blocks)
        return sum(cost(number, [2_000]) for number in last) / len(last)

    def test_half_of_the_memory_costs_hundreds_of_times_the_work(self):
        assert self.made_again(1.0) == 1
        assert self.made_again(0.5) > 300


class TimeTests:
    CHALLENGES = [GpuChallenge(SEED, 16_384, 342)]  # 21.4 GiB

    def refused(self, solved: float, shown: float = 1.0, peers=()) -> Refusal | None:
        return gpu_check.time_refusal(self.CHALLENGES, solved, shown, peers)

    @pytest.mark.parametrize(
        ("solved", "refusal"), [(0.005, Refusal.GPU_TOO_FAST), (0.5, None), (50.0, None), (60.0, Refusal.GPU_TOO_LATE)]
    )
    def test_nobody_is_faster_than_memory_or_slower_than_any_card(self, solved, refusal):
        assert self.refused(solved) == refusal

    @pytest.mark.parametrize("solved", [2.0, 20.0, 50.0])
    def test_however_long_it_took_to_make_them_they_are_shown_at_once(self, solved):
        """Else who dawdles first has the time to make them again."""
        assert self.refused(solved, shown=3.0) is None
        assert self.refused(solved, shown=3.2) == Refusal.GPU_NOT_KEPT

    @pytest.mark.parametrize(("solved", "refusal"), [(9.9, None), (10.2, Refusal.GPU_SLOW), (0.5, None)])
    def test_beside_others_of_the_model_it_is_at_least_half_as_fast(self, solved, refusal):
        usual = self.CHALLENGES[0].memory_bytes / 5.0
        assert self.refused(solved, peers=[[usual / 9, usual, usual, usual, usual * 9]]) == refusal

    def test_too_few_others_say_nothing(self):
        assert self.refused(30.0, peers=[[9e12] * (gpu_check.PEERS_MIN - 1)]) is None

    def test_of_several_models_the_slowest_that_is_known_is_the_measure(self):
        usual, fast, unknown = [self.CHALLENGES[0].memory_bytes / 5.0] * 5, [9e12] * 5, [9e12] * 2
        assert self.refused(9.9, peers=[usual, fast, unknown]) is None
        assert self.refused(10.2, peers=[usual, fast, unknown]) == Refusal.GPU_SLOW
        assert self.refused(10.2, peers=[unknown]) is None

    def test_eight_that_are_one_take_eight_times_as_long(self):
        eight = [GpuChallenge(gpu_challenge.seed_of(SEED, gpu), 16_384, 342) for gpu in range(8)]
        one_alone, usual = 4.0, eight[0].memory_bytes / 4.0
        assert gpu_check.time_refusal(eight, one_alone, 1.0, [[usual] * 5]) is None
        assert gpu_check.time_refusal(eight, 8 * one_alone, 1.0, [[usual] * 5]) == Refusal.GPU_SLOW
        assert gpu_check.time_refusal(eight, 8 * one_alone, one_alone, []) == Refusal.GPU_NOT_KEPT


class SizeTests:
    def test_the_check_costs_the_same_however_large_the_memory(self):
        small, large = (GpuChallenge(SEED, 16_384, layers) for layers in (40, 1_200))
        shown = [gpu_check.sizes([each], gpu_check.draw([each], Random(1)))[0] - each.layers * 32 for each in (small, large)]
        assert shown[0] == shown[1] < 300 * (BLOCK_BYTES + 500)

    def test_of_many_gpus_each_shows_less(self):
        assert len(gpu_check.draw([GpuChallenge(SEED, 16, 9)] * 8, Random(1))[0]) == 8 + gpu_check.OF_FIRST_LAYER
        assert len(gpu_check.draw([GpuChallenge(SEED, 16, 9)] * 64, Random(1))[0]) == 4 + gpu_check.OF_FIRST_LAYER


LAST_ROOT = "393ce703d89cfbcccf40731c7e2846fc46c999182abe7560b9708e9faf00616b"
