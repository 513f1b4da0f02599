"""What a node's electricity costs its owner, and what is left of its earnings. Pure; whole micro-credits."""

from typing import NamedTuple

KWH_WATT_SECONDS = 3_600_000


class Net(NamedTuple):
    """Of one node over some time."""

    earned_micros: int
    energy_micros: int

    @property
    def net_micros(self) -> int:
        """Below zero when the power cost more than it brought in."""
        return self.earned_micros - self.energy_micros


def energy_micros(*, busy_seconds: float, online_seconds: float, busy_watts: int, idle_watts: int, kwh_micros: int) -> int:
    """The cost of the power drawn, rounded up: of an estimate the owner should not be the one who is surprised.

    Tasks that run side by side draw the power of one machine: it is busy for no longer than it is online.
    """
    busy = min(round(busy_seconds), round(online_seconds))
    watt_seconds = busy * busy_watts + (round(online_seconds) - busy) * idle_watts
    return -(-watt_seconds * kwh_micros // KWH_WATT_SECONDS)
