"""Tables for a spreadsheet."""

from datetime import UTC, datetime

import pytest

from common.sheets import file_response, lines, moment_cell, text_cell


def test_rows_are_read_as_they_are_written():
    read = []
    rows = ([read.append(number) or number, "a, b"] for number in range(3))
    written = lines(["number", "words"], rows)
    assert next(written) == "number,words\r\n"
    assert read == []
    assert next(written) == '0,"a, b"\r\n'
    assert read == [0]


def test_a_file_is_saved_under_its_name():
    answer = file_response(["a,b\r\n"], "nodes.csv")
    assert answer["Content-Disposition"] == 'attachment; filename="nodes.csv"'
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.getvalue() == b"a,b\r\n"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " ="])
def test_a_spreadsheet_takes_no_words_for_a_formula(start):
    assert text_cell(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"


def test_other_words_stay_as_they_are():
    assert text_cell("Carousel = shot 04") == "Carousel = shot 04"


def test_a_moment_is_told_to_the_second():
    assert moment_cell(datetime(2026, 3, 1, 9, 5, 7, 999_999, tzinfo=UTC)) == "2026-03-01T09:05:07Z"
    assert moment_cell(None) == ""
