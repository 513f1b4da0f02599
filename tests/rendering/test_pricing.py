"""What a task costs: examples that can be checked by hand, and what must hold for any numbers."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from rendering import pricing
from rendering.pricing import Range
from tests.builders import NOW

SCORES = st.integers(1, 100_000)


class BillableTests:
    def test_the_nodes_figure_counts_when_nothing_speaks_against_it(self):
        assert pricing.billable_ms(node_seconds=2.5, wall_seconds=3.0, score_milli=1000) == 2500

    def test_a_node_is_never_paid_for_more_than_the_servers_clock_saw(self):
        assert pricing.billable_ms(node_seconds=60.0, wall_seconds=3.0, score_milli=1000) == 3000

    def test_peers_bound_a_slow_frame_to_a_quarter_above_their_median(self):
        peers = [1000, 2000, 9000]
        assert pricing.billable_ms(node_seconds=9, wall_seconds=9, score_milli=1000, peers_reference_ms=peers) == 2500

    def test_two_peers_say_nothing(self):
        assert pricing.billable_ms(node_seconds=9, wall_seconds=9, score_milli=1000, peers_reference_ms=[1, 1]) == 9000

    def test_a_slower_machine_may_take_longer_than_its_peers(self):
        """Half the score, twice the seconds, the same price."""
        peers = [2000, 2000, 2000]
        assert pricing.billable_ms(node_seconds=9, wall_seconds=9, score_milli=500, peers_reference_ms=peers) == 5000

    def test_a_clock_that_ran_backwards_costs_nothing(self):
        assert pricing.billable_ms(node_seconds=-1, wall_seconds=5, score_milli=1000) == 0


class OwnSecondsTests:
    """Lease at 0; times are seconds after it."""

    def own(self, rendered: float, *others: tuple[float, float]) -> float:
        spans = [(NOW + timedelta(seconds=at), seconds) for at, seconds in others]
        return pricing.own_seconds(NOW, NOW + timedelta(seconds=rendered), spans)

    def test_a_frame_alone_has_all_the_time_since_its_lease(self):
        assert self.own(5) == 5

    def test_the_frame_before_it_took_its_part(self):
        assert self.own(10, (6, 6)) == 4

    def test_of_a_frame_that_had_begun_before_the_lease_only_the_rest_counts(self):
        assert self.own(10, (2, 30)) == 8

    def test_frames_before_the_lease_and_after_the_commitment_take_nothing(self):
        assert self.own(10, (-1, 5), (0, 5), (11, 5)) == 10

    @given(st.floats(0, 1e4), st.lists(st.tuples(st.floats(-1e4, 2e4), st.floats(0, 1e4))))
    def test_it_is_never_negative_nor_longer_than_since_the_lease(self, rendered, others):
        assert 0 <= self.own(rendered, *others) <= rendered + 1e-6


class ChargeTests:
    def test_the_example_of_the_price_page(self):
        assert pricing.charge_micros(30_000, score_milli=2_000, rate_micros=100) == 6_000

    def test_a_charge_is_rounded_down(self):
        assert pricing.charge_micros(999, score_milli=1_000, rate_micros=1) == 0

    @given(st.integers(0, 10**9), st.integers(0, 10**9), SCORES, st.integers(1, 10_000))
    def test_more_time_never_costs_less(self, one, other, score_milli, rate_micros):
        low, high = sorted([one, other])
        charges = [pricing.charge_micros(ms, score_milli=score_milli, rate_micros=rate_micros) for ms in (low, high)]
        assert charges == sorted(charges)

    @given(st.integers(0, 10**9), SCORES)
    def test_reference_time_follows_the_score(self, node_ms, score_milli):
        assert abs(pricing.reference_ms(node_ms, score_milli) - node_ms * score_milli / 1000) < 1


class EstimateTests:
    def test_known_frames_narrow_the_range(self):
        guess = pricing.frame_seconds_guess(width=1920, height=1080, samples=128)
        known = pricing.frame_seconds_known([10.0, 11.0, 12.0])
        assert known.high / known.low < guess.high / guess.low

    @given(st.lists(st.floats(0.01, 10_000), min_size=1, max_size=50))
    def test_a_range_has_its_low_end_first_and_holds_the_median(self, known):
        low, high = pricing.frame_seconds_known(known)
        assert low <= sorted(known)[len(known) // 2] <= high

    def test_the_cost_of_a_job_is_frames_times_rate(self):
        assert pricing.cost_range_micros(Range(2.0, 4.0), frames=10, rate_micros=100) == (2_000, 4_000)

    def test_more_nodes_take_less_time_but_no_frame_is_shared(self):
        alone = pricing.time_range_seconds(Range(10, 20), frames=4, scores_milli=[1000])
        many = pricing.time_range_seconds(Range(10, 20), frames=4, scores_milli=[1000] * 100)
        assert alone == Range(40, 80)
        assert many.low == 10

    def test_without_nodes_the_time_is_that_of_one_reference_machine(self):
        assert pricing.time_range_seconds(Range(1, 2), frames=3, scores_milli=[]) == Range(3, 6)


class VotesTests:
    def test_an_owner_of_many_frames_has_one_voice_among_three(self):
        frames = [(1, 9_000)] * 50 + [(2, 1_000), (2, 1_200), (3, 1_100)]
        assert sorted(pricing.votes(frames)) == [1_000, 1_100, 9_000]
        assert (
            pricing.billable_ms(node_seconds=99, wall_seconds=99, score_milli=1000, peers_reference_ms=pricing.votes(frames))
            == 1_375
        )

    def test_of_fewer_owners_every_frame_counts(self):
        assert pricing.votes([(1, 5), (1, 6), (2, 7)]) == [5, 6, 7]
