"""What a node's electricity costs, and what is left of its earnings."""

import pytest

from workers.energy import Net, energy_micros


@pytest.mark.parametrize(
    ("busy", "online", "cost"),
    [
        (3_600, 3_600, 150_000),  # 0.5 kWh at 0.30
        (0, 3_600, 30_000),  # 0.1 kWh
        (1_800, 3_600, 90_000),
        (9_999, 3_600, 150_000),  # two tasks side by side
        (1, 1, 42),  # rounded up
        (0, 0, 0),
    ],
)
def test_power_costs_what_was_drawn(busy, online, cost):
    given = {"busy_watts": 500, "idle_watts": 100, "kwh_micros": 300_000}
    assert energy_micros(busy_seconds=busy, online_seconds=online, **given) == cost


def test_net_earnings_may_lie_below_zero():
    assert Net(earned_micros=100, energy_micros=250).net_micros == -150
