"""What the network knows of a node, in four levels, and what is missing for the next one. PURE.

Each level asks for everything that those below ask for. An operator's word gives the last one whatever else is known.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from common.words import plural


class Level(StrEnum):
    REGISTERED = "registered"  # its owner made it; what its agent said of itself does not suffice
    SELF_TESTED = "self_tested"  # its agent signed on with a sandbox and a Blender that work there
    VERIFIED = "verified"  # the network has measured it and seen it do what it says, for days, on the same hardware
    TRUSTED = "trusted"  # the same for a month, or by an operator's word


LABELS = {
    Level.REGISTERED: "Registered",
    Level.SELF_TESTED: "Self-tested",
    Level.VERIFIED: "Verified",
    Level.TRUSTED: "Trusted",
}
TONES = {  # of the badge
    Level.REGISTERED: "quiet",
    Level.SELF_TESTED: "info",
    Level.VERIFIED: "ok",
    Level.TRUSTED: "accent",
}


class Demand(NamedTuple):
    """What the network must have seen of a node, all of it with the hardware that it has now."""

    same_hardware: timedelta
    up_hours: int
    accepted: int
    reliability_bp: int


DEMANDS = {
    Level.VERIFIED: Demand(timedelta(hours=72), up_hours=72, accepted=10, reliability_bp=9_000),
    Level.TRUSTED: Demand(timedelta(days=30), up_hours=240, accepted=300, reliability_bp=9_500),
}


class Standing(NamedTuple):
    """The facts that levels rest on."""

    by_operator: bool = False
    signed_on: bool = False
    sandboxed: bool = False
    has_blender: bool = False
    tried_itself: bool = False  # its own test passed; an agent of before such tests cannot say
    simulated: bool = False
    measured: bool = False  # its last benchmark with that hardware that came to an end has passed
    hardware_age: timedelta = timedelta()  # since it signed on with other hardware, or for the first time
    up_hours: float = 0.0  # since then
    accepted: int = 0  # since then
    reliability_bp: int = 0


def level_of(standing: Standing) -> Level:
    if standing.by_operator:
        return Level.TRUSTED
    reached = Level.REGISTERED
    for level in list(Level)[1:]:
        if missing(level, standing):
            break
        reached = level
    return reached


def next_after(level: Level) -> Level | None:
    return dict(zip(list(Level), list(Level)[1:], strict=False)).get(level)


def missing(level: Level, standing: Standing) -> list[str]:
    """What a node lacks for `level`, in words; empty: nothing, once it has the levels below."""
    if level == Level.REGISTERED:
        return []
    return _missing_of_self_test(standing) if level == Level.SELF_TESTED else _missing_of_record(DEMANDS[level], standing)


def _missing_of_self_test(standing: Standing) -> list[str]:
    if not standing.signed_on:
        return ["its agent signs on for the first time"]
    wants = [
        (standing.sandboxed, "a sandbox: bubblewrap on the machine"),
        (standing.has_blender, "a Blender that works there, with an engine"),
        (standing.tried_itself, "its agent's test of itself passes"),
        (not standing.simulated, "real GPUs: those it shows are played from a file"),
    ]
    return [words for has, words in wants if not has]


def _missing_of_record(demand: Demand, standing: Standing) -> list[str]:
    wants = [
        (standing.measured, "a benchmark with this hardware that passes"),
        (
            standing.hardware_age >= demand.same_hardware,
            f"the same hardware for {_span(demand.same_hardware)}: since {_span(standing.hardware_age)} so far",
        ),
        (standing.up_hours >= demand.up_hours, f"{demand.up_hours} hours online: {int(standing.up_hours)} so far"),
        (standing.accepted >= demand.accepted, f"{demand.accepted} tasks accepted: {standing.accepted:,} so far"),
        (
            standing.reliability_bp >= demand.reliability_bp,
            f"a reliability of {demand.reliability_bp / 100:g} %: it stands at {standing.reliability_bp / 100:g} %",
        ),
    ]
    return [words for has, words in wants if not has]


def _span(time: timedelta) -> str:
    return plural(time.days, "day") if time >= timedelta(days=2) else plural(int(time / timedelta(hours=1)), "hour")


def age(since: datetime | None, now: datetime) -> timedelta:
    return now - since if since else timedelta()
