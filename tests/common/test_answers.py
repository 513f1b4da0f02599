"""What a server says, in the shape that was asked for."""

from datetime import UTC, datetime, timedelta

import pytest

from common import answers


@pytest.mark.parametrize(
    ("said", "number"), [(12, 12), ("12", 12), ("0xc", 12), ("0xFF", 255), (0, 0), (f"0x{2**256 - 1:x}", 2**256 - 1)]
)
def test_numbers_are_read_as_nodes_write_them(said, number):
    assert answers.whole(said, error=ValueError) == number


@pytest.mark.parametrize(
    "said",
    [None, True, 1.0, -1, "-1", "+1", " 1", "1_0", "", "0x", "0xg", "\u0663", "1e3", 2**256, str(2**256), "9" * 5000, [], {}],
)
def test_anything_else_is_no_number(said):
    with pytest.raises(LookupError, match="not a number"):
        answers.whole(said, error=LookupError)


def test_a_number_has_so_many_bits_at_most():
    assert answers.whole(2**63 - 1, error=ValueError, bits=63)
    with pytest.raises(ValueError, match="not a number"):
        answers.whole(2**63, error=ValueError, bits=63)


def test_times_are_counted_from_1970():
    second = timedelta(seconds=1)
    assert answers.moment("0x3c", error=ValueError, unit=second) == datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    for said in (2**62, 10**12, "-1", None):
        with pytest.raises(ValueError, match="not a"):
            answers.moment(said, error=ValueError, unit=second)


def test_objects_and_lists_are_told_apart():
    assert (answers.mapping({}, error=ValueError), answers.listing([], error=ValueError)) == ({}, [])
    for shape, said in ((answers.mapping, []), (answers.listing, {})):
        with pytest.raises(ValueError, match="not a"):
            shape(said, error=ValueError)
