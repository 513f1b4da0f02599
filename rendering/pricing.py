"""What a finished task costs, and what a job will cost: integers of micro-credits and milliseconds. PURE.

A charge is price per reference second times reference seconds; reference seconds are the node's seconds times its
benchmark score. The price, the score and the shares are those frozen on the attempt.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import median_low
from typing import NamedTuple

from rendering.choices import Tier

DEFAULT_RATES_MICROS = {Tier.ECONOMY: 60, Tier.STANDARD: 100, Tier.PRIORITY: 180}  # per reference second
DEFAULT_SHARES_BP = {"worker": 6_000, "checkers": 1_000, "network": 3_000}
FRAME_SECONDS_MAX = 3_600.0  # a node stops a frame here, and no more of it is ever billed
PEERS_MIN = 3  # fewer say nothing about a job
PEER_MARGIN_PERCENT = 125  # of the median of the peers
TILE_MARGIN_PERCENT = 1_000  # the same for tiles, by the pixel: grass takes many times what sky does

# Before a frame of the scene is known: reference seconds per million camera samples, and per frame for everything
# else. From renders of plain to heavy scenes on two CPU threads; the range is honest and therefore wide.
SECONDS_PER_MSAMPLE = (0.4, 6.0)
SECONDS_PER_FRAME = (0.3, 3.0)


class Range(NamedTuple):
    low: float
    high: float


def billable_ms(
    *,
    node_seconds: float,
    wall_seconds: float,
    score_milli: int,
    peers_reference_ms: Sequence[int] = (),
    margin_percent: int = PEER_MARGIN_PERCENT,
) -> int:
    """Milliseconds that count: the node's figure, at most the server's wall time, FRAME_SECONDS_MAX and 1.25 x the
    median of its peers (of tiles 10 x).

    Args:
        peers_reference_ms: `votes` of accepted frames of the same job on nodes of others; fewer than PEERS_MIN are ignored.

    Returns:
        Milliseconds of this node, rounded down.
    """
    bound = int(max(0.0, min(node_seconds, wall_seconds, FRAME_SECONDS_MAX)) * 1000)
    if len(peers_reference_ms) < PEERS_MIN:
        return bound
    peers_ms = median_low(peers_reference_ms) * margin_percent * 1000 // (100 * score_milli)
    return min(bound, peers_ms)


def votes(peers: Iterable[tuple[int, int]]) -> list[int]:
    """Of (owner, reference milliseconds) the latter: once there are PEERS_MIN owners one of each, their median, so that many nodes,
    or many frames, are no more than one voice.
    """
    by_owner: dict[int, list[int]] = {}
    for owner_id, reference in peers:
        by_owner.setdefault(owner_id, []).append(reference)
    if len(by_owner) >= PEERS_MIN:
        return [median_low(own) for own in by_owner.values()]
    return [reference for own in by_owner.values() for reference in own]


def own_seconds(leased_at: datetime, rendered_at: datetime, others: Iterable[tuple[datetime, float]]) -> float:
    """How long a node can have rendered one frame: from its lease to its commitment, less its other frames meanwhile.

    Args:
        others: (commitment, seconds rendered) of other frames of the node, of one slot.
    """
    within = [(at, seconds) for at, seconds in others if leased_at < at <= rendered_at]
    spent = sum(min(seconds, (at - leased_at).total_seconds()) for at, seconds in within)
    return max(0.0, (rendered_at - leased_at).total_seconds() - spent)


def reference_ms(node_ms: int, score_milli: int) -> int:
    """Milliseconds on the reference machine, rounded down."""
    return node_ms * score_milli // 1000


def charge_micros(node_ms: int, *, score_milli: int, rate_micros: int) -> int:
    """The charge for `node_ms` billable milliseconds, rounded down once."""
    return node_ms * score_milli * rate_micros // 1_000_000


def frame_seconds_guess(*, width: int, height: int, samples: int) -> Range:
    """Reference seconds of a frame of an unknown scene."""
    msamples = width * height * samples / 1e6
    return Range(*(each * msamples + fixed for each, fixed in zip(SECONDS_PER_MSAMPLE, SECONDS_PER_FRAME, strict=True)))


def frame_seconds_known(reference_seconds: Sequence[float]) -> Range:
    """Reference seconds of a further frame, from at least one known frame of the same scene and settings."""
    known = sorted(reference_seconds)
    margin = 1 + 0.5 / len(known)  # few frames say little
    low, high = known[len(known) // 10], known[-1 - len(known) // 10]
    return Range(low / margin, high * margin)


def cost_range_micros(frame_seconds: Range, *, frames: int, rate_micros: int) -> tuple[int, int]:
    low, high = (int(seconds * frames * rate_micros) for seconds in frame_seconds)
    return low, high


def time_range_seconds(frame_seconds: Range, *, frames: int, scores_milli: Sequence[int]) -> Range:
    """How long `frames` take on these slots; on one reference machine when there are none."""
    speed = max(1, sum(scores_milli)) / 1000 if scores_milli else 1.0
    least = max(frame_seconds.low, frame_seconds.low * frames / speed)
    return Range(least, max(least, frame_seconds.high * frames / speed))
