"""What a process remembers for a moment."""

from common.lately import Lately


def test_it_is_known_until_its_time_is_over():
    number: Lately[int] = Lately()
    assert number.known() is None
    number.keep(0)
    assert number.known() == 0


def test_afterwards_it_is_read_anew():
    number: Lately[int] = Lately(seconds=0)
    number.keep(12)
    assert number.known() is None
