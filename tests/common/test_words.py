"""Words that every app builds the same way."""

import pytest

from common.words import one_line


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Carousel, shot 04", "Carousel, shot 04"),
        ("  two\nlines\tand \r\n tabs ", "two lines and tabs"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),  # would read as invoiceexe.jpg
        ("a\u2066b\u2069c\u200bd\ufeffe\x00\x1b[31mf", "abcde[31mf"),
        ("half \ud800 a letter", "half a letter"),
        ("می\u200cخواهم 👩\u200d🎨 été", "می\u200cخواهم 👩\u200d🎨 été"),
        ("\u202e \u2028", ""),
    ],
)
def test_a_name_is_one_line_of_what_can_be_seen(written, shown):
    assert one_line(written) == shown
