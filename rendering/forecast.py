"""When a running job ends and what it will have cost, as honest ranges from the frames it already has. PURE."""

import math
from dataclasses import dataclass

MARGIN_LEAST = 0.04  # no forecast pretends to be closer than this
MARGIN_MOST = 0.6
SPREAD_UNKNOWN = 0.5  # relative spread assumed while fewer than two frames are in


@dataclass(frozen=True)
class Timing:
    """What the accepted frames of a job took, each on its own node, and what they cost on average."""

    frames: int = 0
    mean_seconds: float = 0.0
    deviation_seconds: float = 0.0
    mean_micros: float = 0.0


@dataclass(frozen=True)
class Range:
    """`low` to `high`, in the unit its maker states."""

    low: float
    high: float


def margin(timing: Timing, frames_left: int) -> float:
    """The relative half-width of a forecast: it narrows with every frame that is in."""
    known = timing.frames > 1 and timing.mean_seconds > 0
    spread = timing.deviation_seconds / timing.mean_seconds if known else SPREAD_UNKNOWN
    doubt = spread / math.sqrt(max(1, timing.frames)) + spread / math.sqrt(max(1, frames_left))
    return min(MARGIN_MOST, max(MARGIN_LEAST, doubt))


def seconds_left(timing: Timing, *, frames_left: int, nodes: int) -> Range | None:
    """Wall-clock seconds until the last frame, with `nodes` at work all along; None while nothing can be said."""
    if not timing.frames or not nodes or not frames_left:
        return None
    rounds = math.ceil(frames_left / nodes)
    wide = margin(timing, frames_left)
    return Range(rounds * timing.mean_seconds * (1 - wide), rounds * timing.mean_seconds * (1 + wide))


def micros_in_the_end(timing: Timing, *, charged_micros: int, frames_left: int) -> Range | None:
    """Micro-credits for the whole job, what is charged already included; None while nothing is charged."""
    if not timing.frames:
        return None
    wide = margin(timing, frames_left) if frames_left else 0.0
    rest = timing.mean_micros * frames_left
    return Range(charged_micros + round(rest * (1 - wide)), charged_micros + round(rest * (1 + wide)))
