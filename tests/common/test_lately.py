"""What a process, or any of them, remembers for a moment."""

from common.lately import Lately, kept_if_many


def test_it_is_known_until_its_time_is_over():
    number: Lately[int] = Lately()
    assert number.known() is None
    number.keep(0)
    assert number.known() == 0


def test_afterwards_it_is_read_anew():
    number: Lately[int] = Lately(seconds=0)
    number.keep(12)
    assert number.known() is None


def test_what_took_many_rows_is_read_once_for_all_and_what_took_few_each_time():
    read = []

    def counted(rows: int) -> tuple[int, int]:
        read.append(rows)
        return len(read), rows

    few = [kept_if_many("few", lambda: counted(10), many=10, seconds=60) for _ in range(2)]
    many = [kept_if_many("many", lambda: counted(11), many=10, seconds=60) for _ in range(2)]
    assert (few, many) == ([1, 2], [3, 3])
