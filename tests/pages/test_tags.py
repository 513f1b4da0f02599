"""Filters and tags of every template."""

from datetime import UTC, datetime, timedelta

import pytest
from django import forms
from pytest_django.asserts import assertHTMLEqual

from common.templatetags import pictor as tags

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class DurationTests:
    @pytest.mark.parametrize(
        ("seconds", "words"),
        [
            (None, "–"),
            (0, "0 s"),
            (3.94, "3.9 s"),
            (60, "1 min"),
            (75, "1 min 15 s"),
            (59.99, "60 s"),
            (3600, "1 h"),
            (90_000, "1 d 1 h"),
        ],
    )
    def test_a_length_of_time_has_at_most_two_units(self, seconds, words):
        assert tags.duration(seconds) == words


class FilesizeTests:
    @pytest.mark.parametrize(
        ("size_bytes", "words"),
        [
            (None, "–"),
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (1_532_000, "1.5 MB"),
            (128_000_000, "128 MB"),
            (5e15, "5000 TB"),
        ],
    )
    def test_bytes_are_counted_as_disks_count_them(self, size_bytes, words):
        assert tags.filesize(size_bytes) == words

    def test_memory_is_counted_as_it_is_sold(self):
        assert tags.memory(24 * 1024**3) == "24 GB"
        assert tags.memory(int(15.5 * 1024**3)) == "15.5 GB"


class NumberTests:
    def test_hundred_percent_means_all(self):
        assert tags.percent(999, 1000) == "99 %"
        assert tags.percent(3, 3) == "100 %"

    def test_a_share_of_nothing_is_no_number(self):
        assert tags.percent(0, 0) == "–"
        assert tags.percent_number(1, 0) == 0.0

    def test_a_drawn_share_stays_in_its_bar(self):
        assert tags.percent_number(7, 5) == 100.0
        assert tags.percent_number(1, 3) == 33.33

    @pytest.mark.parametrize(
        ("value", "words"),
        [(None, "–"), (0, "0"), (5.42, "5.42"), (0.00231, "0.00231"), (1234.5, "1,234"), (40.0, "40"), (12.34, "12.3")],
    )
    def test_a_chart_says_three_digits(self, value, words):
        assert tags.figure(value) == words

    def test_thousands_stand_apart(self):
        assert tags.grouped(1234567) == "1,234,567"


class AgoTests:
    @pytest.mark.parametrize(
        ("delta", "words"),
        [
            (timedelta(seconds=3), "just now"),
            (timedelta(seconds=50), "50 seconds ago"),
            (timedelta(minutes=1), "1 minute ago"),
            (timedelta(hours=5), "5 hours ago"),
            (timedelta(days=3), "3 days ago"),
            (timedelta(hours=-2), "in 2 hours"),
            (timedelta(days=40), "21 Jan 2026"),
        ],
    )
    def test_it_says_how_long_ago(self, delta, words):
        assert tags.ago(NOW - delta, NOW) == words

    def test_never_is_a_word(self):
        assert tags.ago(None) == tags.time_tag(None) == "never"

    def test_the_exact_time_is_kept_for_machines(self):
        assert 'datetime="2026-03-02T12:00:00+00:00"' in tags.time_tag(NOW)


class IconTests:
    def test_an_icon_is_silent_and_comes_from_the_sprite(self):
        markup = tags.icon("box", "s")
        assert 'aria-hidden="true"' in markup
        assert 'icons.svg#box"' in markup
        assert 'class="icon icon-s"' in markup


class OptionsTests:
    def test_a_select_is_what_django_makes_of_it(self):
        choices = [("", "None"), ("a<b", 'Said "so"'), ("Group & more", [(1, "One"), (2, "Two")])]
        made = forms.Select(attrs={"id": "id_x", "required": True, "hidden": False}, choices=choices).render("x", 1)
        assertHTMLEqual(
            made,
            '<select name="x" id="id_x" required><option value="">None</option><option value="a&lt;b">Said "so"</option>'
            '<optgroup label="Group &amp; more"><option value="1" selected>One</option><option value="2">Two</option>'
            "</optgroup></select>",
        )
