"""A limit on bytes per second, by a clock that the test holds."""

from hypothesis import given
from hypothesis import strategies as st

from pictor_agent.bandwidth import BURST_SECONDS, Bandwidth


class BandwidthTests:
    def test_without_a_limit_nothing_waits(self):
        assert Bandwidth().delay(1 << 40, now=5.0) == 0

    def test_after_a_second_s_worth_the_next_waits_a_second(self):
        bandwidth = Bandwidth(1_000)
        assert bandwidth.delay(1_000, now=100.0) == 0  # what was not used before
        assert bandwidth.delay(1_000, now=100.0) == 1

    def test_transfers_share_it(self):
        bandwidth = Bandwidth(1_000)
        assert [bandwidth.delay(1_000, now=100.0) for _ in range(3)] == [0, 1, 2]

    def test_a_limit_that_is_lifted_holds_nothing_up(self):
        bandwidth = Bandwidth(1)
        bandwidth.delay(1_000, now=100.0)
        bandwidth.bytes_per_second = 0
        assert bandwidth.delay(1_000, now=100.0) == 0

    @given(st.lists(st.tuples(st.integers(1, 10_000), st.floats(0, 3)), max_size=30))
    def test_never_more_than_the_limit_and_one_burst(self, moves):
        bandwidth, now, sent, began = Bandwidth(1_000), 100.0, 0, 100.0
        for size_bytes, pause in moves:
            now += pause
            sent += size_bytes
            now += bandwidth.delay(size_bytes, now)
        assert sent <= (now - began + BURST_SECONDS) * 1_000 + 1

    def test_a_piece_takes_about_a_second(self):
        assert [Bandwidth(rate).piece(4_000, 64) for rate in (0, 10, 500, 9_000)] == [4_000, 64, 500, 4_000]
