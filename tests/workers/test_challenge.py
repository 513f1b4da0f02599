"""The challenge of a benchmark: whoever did the work always passes, and whoever did not is caught as often as is promised."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pictor_agent.challenge import (
    DIGEST_BYTES,
    PRIME,
    Answer,
    Challenge,
    Stopped,
    answer,
    digest,
    digest_at,
    multiply,
    opening_bytes,
    root_of,
    step,
)
from workers import challenge_check
from workers.challenge_check import Refusal

SMALL = Challenge(seed=b"s" * 32, side=24, blocks=40)


def judge(challenge: Challenge, given: Answer, *, seed: int = 1, opened: bytes | None = None) -> Refusal | None:
    numbers = challenge_check.draw(challenge, Random(seed))
    opening = given.opening(numbers) if opened is None else opened
    return challenge_check.refusal(challenge, given.root, numbers, opening, Random(seed))


def lie(challenge: Challenge, made_up: set[int]) -> Answer:
    """All blocks, of which these are nonsense: in their hashes and in all else it is an honest answer."""
    honest = answer(Challenge(challenge.seed, challenge.side, 2))
    held, digests = [honest.held[0]], [digest(honest.held[0])]
    for number in range(1, challenge.blocks):
        made_of = step(challenge, number, digests[-1])
        nonsense = np.full((challenge.side, challenge.side), number % PRIME, np.uint8)
        held.append(nonsense if number in made_up else multiply(held[made_of.back], made_of.right))
        digests.append(digest(held[-1]))
    return Answer(challenge, held, b"".join(digests))


class HonestTests:
    @given(seed=st.binary(min_size=16, max_size=40), side=st.integers(2, 40), blocks=st.integers(2, 24), luck=st.integers())
    @settings(max_examples=40, deadline=None)
    def test_whoever_did_the_work_always_passes(self, seed, side, blocks, luck):
        challenge = Challenge(seed, side, blocks)
        assert judge(challenge, answer(challenge), seed=luck) is None

    @pytest.mark.parametrize("side", [256, 257, 300])
    def test_products_are_exact_in_single_and_in_double_precision(self, side):
        largest = np.full((side, side), PRIME - 1, np.uint8)
        assert multiply(largest, largest).tolist() == [[side % PRIME] * side] * side

    def test_every_machine_makes_the_same_blocks(self):
        """The numbers of a version that is out on nodes."""
        assert answer(Challenge(b"a seed of the server", 16, 5)).root.hex() == ROOT

    def test_a_node_may_stop_between_two_blocks(self):
        with pytest.raises(Stopped):
            answer(SMALL, lambda number: number < 3)

    @pytest.mark.parametrize(
        ("seed", "side", "blocks"), [(b"short", 8, 8), (b"s" * 32, 1, 8), (b"s" * 32, 8, 1), (b"s" * 32, 8, 2**30)]
    )
    def test_nobody_is_asked_for_nothing_or_for_everything(self, seed, side, blocks):
        with pytest.raises(ValueError, match="no such challenge"):
            Challenge(seed, side, blocks)


class LyingTests:
    def test_one_wrong_number_in_a_shown_block_is_caught(self):
        honest = answer(SMALL)
        numbers = challenge_check.draw(SMALL, Random(1))
        block = honest.held[numbers[0]].copy()
        block[3, 4] = (int(block[3, 4]) + 1) % PRIME
        held = [block if number == numbers[0] else each for number, each in enumerate(honest.held)]
        digests = b"".join(map(digest, held))
        assert judge(SMALL, Answer(SMALL, held, digests)) == Refusal.WRONG_PRODUCT

    @pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
    def test_a_share_of_made_up_blocks_is_caught_as_often_as_is_promised(self, share):
        """In 400 draws; the bounds are five standard deviations away."""
        challenge = replace(SMALL, blocks=201)
        made_up = set(Random(7).sample(range(1, 201), int(200 * share)))
        liar, draws = lie(challenge, made_up), 400
        passed = sum(judge(challenge, liar, seed=number) is None for number in range(draws))
        promised = challenge_check.chance_to_pass(share)
        assert passed <= draws * promised + 5 * (draws * promised * (1 - promised)) ** 0.5 + 1

    @given(luck=st.integers(), cell=st.tuples(st.integers(0, 23), st.integers(0, 23)), off=st.integers(1, PRIME - 1))
    @settings(max_examples=50, deadline=None)
    def test_no_single_wrong_number_passes_the_test_of_a_product(self, luck, cell, off):
        left, right = answer(SMALL).held[1:3]
        product = multiply(left, right)
        assert challenge_check.is_product(product, left, right, Random(luck))
        product[cell] = (int(product[cell]) + off) % PRIME
        assert not challenge_check.is_product(product, left, right, Random(luck))

    def test_a_round_misses_a_wrong_product_as_seldom_as_is_promised(self):
        left, right = answer(SMALL).held[1:3]
        wrong = multiply(left, right)
        wrong[0, 0] = (int(wrong[0, 0]) + 1) % PRIME
        rng = Random(3)
        missed = sum(challenge_check.is_product(wrong, left, right, rng, rounds=1) for _ in range(2_000))
        assert 0 < missed < 2_000 / PRIME * 4

    def test_numbers_are_written_in_one_way(self):
        left = np.eye(8, dtype=np.uint8)
        same = np.full((8, 8), 2, np.uint8)
        assert challenge_check.is_product(same, same, left, Random(1))
        assert not challenge_check.is_product(same + np.uint8(PRIME), same, left, Random(1))

    def test_the_answer_of_another_node_is_no_answer(self):
        other = answer(replace(SMALL, seed=b"t" * 32))
        assert judge(SMALL, other) == Refusal.OTHER_BLOCK

    def test_blocks_that_were_not_committed_to_are_refused(self):
        honest = answer(SMALL)
        numbers = challenge_check.draw(SMALL, Random(1))
        later = Answer(SMALL, honest.held, root_like(honest))
        assert challenge_check.refusal(SMALL, later.root, numbers, honest.opening(numbers), Random(1)) == Refusal.OTHER_ROOT

    def test_other_blocks_than_asked_for_are_refused(self):
        honest = answer(SMALL)
        others = [number % (SMALL.blocks - 1) + 1 for number in challenge_check.draw(SMALL, Random(1))]
        assert judge(SMALL, honest, opened=honest.opening(others)) == Refusal.OTHER_BLOCK

    @pytest.mark.parametrize("change", [lambda opening: opening[:-1], lambda opening: opening + b"x", lambda opening: b""])
    def test_cut_and_padded_openings_are_refused(self, change):
        honest = answer(SMALL)
        opening = honest.opening(challenge_check.draw(SMALL, Random(1)))
        assert judge(SMALL, honest, opened=change(opening)) == Refusal.MALFORMED


def root_like(honest: Answer) -> bytes:
    """The hashes with one bit turned."""
    return honest.digests[:-1] + bytes([honest.digests[-1] ^ 1])


class TimeTests:
    @pytest.mark.parametrize(
        ("seconds", "refusal"), [(0.0, Refusal.TOO_FAST), (0.005, Refusal.TOO_FAST), (1.3, None), (61.0, Refusal.TOO_LATE)]
    )
    def test_nobody_is_faster_than_matter_or_slower_than_the_limit(self, seconds, refusal):
        challenge = Challenge(b"s" * 32, 256, 1024)
        assert challenge_check.time_refusal(challenge, seconds, seconds_max=60.0) == refusal

    def test_the_smallest_time_grows_with_the_memory_and_with_the_work(self):
        small, large = Challenge(b"s" * 32, 256, 1_000), Challenge(b"s" * 32, 256, 100_000)
        assert challenge_check.seconds_min(large) == pytest.approx(100 * challenge_check.seconds_min(small))
        assert large.memory_bytes == 100_000 * 65_536


class OpeningTests:
    def test_its_size_is_known_beforehand(self):
        numbers = challenge_check.draw(SMALL, Random(5))
        assert len(answer(SMALL).opening(numbers)) == opening_bytes(SMALL, len(numbers))

    def test_a_short_chain_shows_all_it_has(self):
        assert challenge_check.draw(replace(SMALL, blocks=5), Random(5)) == [1, 2, 3, 4]

    def test_every_block_has_its_hash(self):
        honest = answer(SMALL)
        assert len(honest.digests) == SMALL.blocks * DIGEST_BYTES
        assert digest_at(honest.digests, 39) == digest(honest.held[39])
        assert honest.root == root_of(honest.digests)


ROOT = "431d607a0055566bb02910f5d53704345b02f4bfcdde2795c09d743502eb990e"
