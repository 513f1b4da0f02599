"""Geometry of the charts."""

import pytest

from common import plots


class LineTests:
    def test_the_highest_value_stays_below_the_top(self):
        line = plots.line([("a", 0), ("b", 10)])
        assert line.spots[0].y == 100
        assert 5 < line.spots[1].y < 20

    @pytest.mark.parametrize(
        ("highest", "top"), [(32.2, 40), (2.3, 2.5), (0.0159, 0.02), (9.9, 12), (1, 2), (950, 1000), (0, 1)]
    )
    def test_the_top_is_a_round_value(self, highest, top):
        assert plots.line([("a", highest)]).top == top

    def test_it_runs_from_edge_to_edge(self):
        assert [spot.x for spot in plots.line([("a", 1), ("b", 1), ("c", 1)]).spots] == [0, 50, 100]

    def test_one_point_stands_in_the_middle(self):
        line = plots.line([("a", 4)])
        assert line.spots[0].x == 50
        assert line.area == ""

    def test_no_point_draws_nothing(self):
        assert plots.line([]).points == ""

    def test_zeros_lie_on_the_ground(self):
        assert {spot.y for spot in plots.line([("a", 0), ("b", 0)]).spots} == {100}


class BarsTests:
    def test_bars_stay_inside_the_plot(self):
        bars = plots.bars([(str(day), day) for day in range(30)]).bars
        assert all(bar.x >= 0 and bar.x + bar.width <= 100 for bar in bars)
        assert all(bar.y >= 0 and bar.y + bar.height <= 100.01 for bar in bars)

    def test_a_day_without_anything_keeps_a_hairline(self):
        assert plots.bars([("a", 0), ("b", 5)]).bars[0].height == 1

    def test_the_ends_are_named(self):
        assert (plots.bars([("1 Nov", 1), ("2 Nov", 2)]).first, plots.bars([]).last) == ("1 Nov", "")
