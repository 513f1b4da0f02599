"""What a machine may bring in a month. Pure; whole micro-credits."""

from typing import NamedTuple

from workers.energy import energy_micros

MONTH_DAYS = 30


class Month(NamedTuple):
    """A range, of one GPU; what is left may be below nought."""

    low_micros: int
    high_micros: int
    energy_micros: int

    @property
    def low_net_micros(self) -> int:
        return self.low_micros - self.energy_micros

    @property
    def high_net_micros(self) -> int:
        return self.high_micros - self.energy_micros


def month(
    *,
    low_hour_micros: int,
    high_hour_micros: int,
    busy: float,
    hours_a_day: int,
    busy_watts: int,
    idle_watts: int,
    kwh_micros: int,
) -> Month:
    """`busy`: 0..1 of the time online with work, and so with the power of work."""
    hours = hours_a_day * MONTH_DAYS
    energy = energy_micros(
        busy_seconds=hours * 3_600 * busy,
        online_seconds=hours * 3_600,
        busy_watts=busy_watts,
        idle_watts=idle_watts,
        kwh_micros=kwh_micros,
    )
    return Month(low_hour_micros * hours, high_hour_micros * hours, energy)
