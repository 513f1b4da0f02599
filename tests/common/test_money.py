import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from common.money import MICROS, SHARES_WHOLE_BP, format_credits, format_plain, parse_credits, split_by_shares

AMOUNTS = some.integers(0, 10**15)


@some.composite
def shares(draw) -> dict[str, int]:
    """Two to five shares that add up to the whole."""
    cuts = sorted(draw(some.lists(some.integers(0, SHARES_WHOLE_BP), min_size=1, max_size=4)))
    edges = [0, *cuts, SHARES_WHOLE_BP]
    return {f"part{place}": end - start for place, (start, end) in enumerate(itertools.pairwise(edges))}


class SplitBySharesTests:
    @given(AMOUNTS, shares())
    def test_nothing_is_lost_and_nothing_is_made(self, amount, parts_bp):
        assert sum(split_by_shares(amount, parts_bp).values()) == amount

    @given(AMOUNTS, shares())
    def test_no_part_is_a_whole_micro_away_from_its_exact_share(self, amount, parts_bp):
        for name, part in split_by_shares(amount, parts_bp).items():
            assert abs(part - Fraction(amount * parts_bp[name], SHARES_WHOLE_BP)) < 1

    @given(AMOUNTS, shares())
    def test_a_share_of_nothing_is_nothing(self, amount, parts_bp):
        split = split_by_shares(amount, parts_bp)
        assert all(split[name] == 0 for name, share in parts_bp.items() if share == 0)

    def test_a_tie_goes_to_the_earlier_name(self):
        assert split_by_shares(1, {"worker": 5_000, "network": 5_000}) == {"worker": 1, "network": 0}

    @pytest.mark.parametrize("bad", [{"a": 9_999}, {"a": 10_001}, {"a": 10_001, "b": -1}])
    def test_shares_that_are_no_whole_are_refused(self, bad):
        with pytest.raises(ValueError, match="10,000"):
            split_by_shares(10, bad)

    def test_a_negative_amount_is_refused(self):
        with pytest.raises(ValueError, match="non-negative"):
            split_by_shares(-1, {"a": SHARES_WHOLE_BP})


class ParseCreditsTests:
    @given(AMOUNTS)
    def test_what_a_field_shows_is_read_back(self, amount):
        assert parse_credits(format_plain(amount)) == amount

    @pytest.mark.parametrize(
        ("text", "micros"), [("12.5", 12_500_000), (" 3 ", 3_000_000), (".000001", 1), ("7.", 7_000_000), ("0", 0)]
    )
    def test_credits_are_read(self, text, micros):
        assert parse_credits(text) == micros

    @pytest.mark.parametrize(
        "text", ["", ".", "-1", "1e3", "1,5", "1.0000001", "1 000", "٣", "²", "inf", "nan", "+1", "0x1", "1_0"]
    )
    def test_anything_else_is_refused(self, text):
        with pytest.raises(ValueError, match="credits"):
            parse_credits(text)


class FormatCreditsTests:
    @given(some.integers(-(10**15), 10**15), some.integers(0, 6))
    def test_it_rounds_towards_zero(self, amount, places):
        printed = Fraction(format_credits(amount, places=places).replace(",", ""))
        exact = Fraction(amount, MICROS)
        assert abs(printed) <= abs(exact)
        assert abs(exact) - abs(printed) < Fraction(1, 10**places)

    def test_thousands_are_separated(self):
        assert format_credits(1_234_567_890) == "1,234.56"
        assert format_credits(-1_234_567_890, places=0) == "-1,234"

    def test_a_field_shows_no_separators_and_nothing_for_nothing(self):
        assert format_plain(1_234_500_000) == "1234.50"
        assert format_plain(None) == ""
