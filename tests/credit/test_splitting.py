"""Dividing amounts: tables and properties, without a database."""

from hypothesis import given
from hypothesis import strategies as st

from credit.splitting import SHARES, apportion, divide_charge, take_in_order

amounts = st.integers(0, 10**15)
shares = (
    st.tuples(st.integers(0, 10_000), st.integers(0, 10_000))
    .map(sorted)
    .map(lambda cuts: dict(zip(SHARES, (cuts[0], cuts[1] - cuts[0], 10_000 - cuts[1]), strict=True)))
)
buckets = st.lists(amounts, min_size=1, max_size=3).map(lambda parts: dict(enumerate(parts)))


class ApportionTests:
    def test_ties_go_to_the_earlier_name(self):
        assert apportion(1, {"worker": 1, "checkers": 1, "network": 1}) == {"worker": 1, "checkers": 0, "network": 0}

    def test_the_largest_remainder_gets_the_odd_micro(self):
        assert apportion(10, {"a": 14, "b": 3, "c": 3}) == {"a": 7, "b": 2, "c": 1}

    @given(st.lists(amounts, min_size=1, max_size=5), st.data())
    def test_parts_sum_to_the_whole_and_stay_within_their_weights(self, weights, data):
        amount = data.draw(st.integers(0, sum(weights)))
        parts = apportion(amount, dict(enumerate(weights)))
        assert sum(parts.values()) == amount
        assert all(0 <= parts[name] <= weight for name, weight in enumerate(weights))


class TakeInOrderTests:
    def test_the_first_bucket_is_emptied_before_the_next(self):
        assert take_in_order(130, {"promotional": 100, "purchased": 500, "earned": 9}) == {"promotional": 100, "purchased": 30}

    def test_a_bucket_that_gives_nothing_is_left_out(self):
        assert take_in_order(5, {"promotional": 0, "purchased": 5}) == {"purchased": 5}


class DivideChargeTests:
    def test_the_shares_are_those_of_the_whole_charge(self):
        divided = divide_charge({"promotional": 5, "purchased": 5}, {"worker": 6000, "checkers": 1000, "network": 3000})
        assert divided == {
            "promotional": {"worker": 3, "checkers": 1, "network": 1},
            "purchased": {"worker": 3, "checkers": 0, "network": 2},
        }

    @given(buckets, shares)
    def test_every_bucket_is_used_up_and_every_share_is_whole(self, by_bucket, shares_bp):
        divided = divide_charge(by_bucket, shares_bp)
        total = sum(by_bucket.values())
        assert {bucket: sum(parts.values()) for bucket, parts in divided.items()} == by_bucket
        assert min(part for parts in divided.values() for part in parts.values()) >= 0
        for share, share_bp in shares_bp.items():
            exact = total * share_bp
            assert abs(sum(parts[share] for parts in divided.values()) * 10_000 - exact) < 10_000
