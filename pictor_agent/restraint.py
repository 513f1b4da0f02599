"""Whether a node takes new work by what its owner allows and how the machine fares. Pure: no clock, no I/O.

What stops it must get better by a margin before it goes on, or a card at its limit would stop and start all the time.
"""

from dataclasses import dataclass, field

from pictor_agent import protocol

COOLER_BY_CELSIUS = 8.0
CALMER_TO = 0.9  # of the power cap
REST_SECONDS = 60.0  # after heat or power: a card that rests needs no power at once, and says nothing of its work
DISK_FREE_BYTES_MIN = 2 << 30  # of new files, one scene and its frames
DISK_FREE_BYTES_AGAIN = 4 << 30

NO_LIMITS = protocol.Limits(at=0)
PAUSED = "paused_here"
WORDS = {  # for the owner's terminal and the page on the machine
    "paused_here": "it is paused on this machine",
    "in_use": "the machine is in use",
    "too_hot": "a GPU is at your limit of temperature",
    "too_much_power": "a GPU draws more power than you allow",
    "disk_full": "the disk is nearly full",
}


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the machine. `unused_seconds`: since its owner last used it; None where that cannot be told."""

    at: float  # seconds of a clock that never goes back
    gpus: list[protocol.GpuSample] = field(default_factory=list)
    disk_free_bytes: int = 1 << 60
    unused_seconds: float | None = None
    paused: bool = False  # by somebody on this machine


@dataclass(slots=True)
class Restraint:
    """`resting` is the reason why no new work is taken, or empty."""

    limits: protocol.Limits = NO_LIMITS
    resting: str = ""
    _since: float = 0.0

    def look(self, look: Look) -> bool:
        """Take a look into account; True when `resting` changed."""
        before = self.resting
        self.resting = self._reason(look)
        if self.resting != before:
            self._since = look.at
        return self.resting != before

    def _reason(self, look: Look) -> str:
        """A pause goes before whatever else stops the node, and leaves nothing behind."""
        if look.paused:
            return PAUSED
        held = self.resting not in ("", PAUSED) and self._goes_on(look)
        return self.resting if held else self._begins(look)

    def _begins(self, look: Look) -> str:
        limits = self.limits
        if look.disk_free_bytes < DISK_FREE_BYTES_MIN:
            return "disk_full"
        if limits.celsius_max and _hottest(look) >= limits.celsius_max:
            return "too_hot"
        if limits.watts_max and _hungriest(look) > limits.watts_max:
            return "too_much_power"
        if _is_in_use(limits, look):
            return "in_use"
        return ""

    def _goes_on(self, look: Look) -> bool:
        """Is the present reason still one?"""
        limits, rests_still = self.limits, look.at - self._since < REST_SECONDS
        match self.resting:
            case "disk_full":
                return look.disk_free_bytes < DISK_FREE_BYTES_AGAIN
            case "too_hot":
                return bool(limits.celsius_max) and (rests_still or _hottest(look) > limits.celsius_max - COOLER_BY_CELSIUS)
            case "too_much_power":
                return bool(limits.watts_max) and (rests_still or _hungriest(look) > limits.watts_max * CALMER_TO)
            case _:
                return _is_in_use(limits, look)


def _hottest(look: Look) -> float:
    return max((gpu.temperature_celsius for gpu in look.gpus), default=0.0)


def _hungriest(look: Look) -> float:
    return max((gpu.power_watts for gpu in look.gpus), default=0.0)


def _is_in_use(limits: protocol.Limits, look: Look) -> bool:
    """A machine of which nothing can be told counts as unused: a server without a desktop has nobody in front of it."""
    return bool(limits.idle_seconds) and look.unused_seconds is not None and look.unused_seconds < limits.idle_seconds
