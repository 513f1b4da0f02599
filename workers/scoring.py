"""What a benchmark says of a node: its score, whether that agrees with what was known, and where it stands among its kind. Pure.

    score = reference seconds of the canary frame / seconds that it took here

The reference is a machine of two ordinary processor cores; its seconds are a fixed number per sample. A GPU renders more samples,
so that its seconds are long enough to be told from the line's.
"""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

SLACK_MS = 1_000  # of the line and of looking at the picture, which the server's clock cannot tell from rendering
TOLERANCE_PERCENT = 15  # two runs of one machine differ by less
ALIKE_MIN = 5  # runs of other nodes of the model, before anybody is placed among them

EVERY_DAYS = (5.0, 9.0)  # about weekly, and nobody knows when
REPEAT_AFTER = timedelta(minutes=30)
RETRY_AFTER = timedelta(hours=6)  # after one that did not end


def canary_ms(claimed_seconds: float, seen_seconds: float) -> int:
    """The node's figure; where the server's clock saw more than that and the slack, the server's without the slack."""
    return max(1, round(claimed_seconds * 1000), round(seen_seconds * 1000) - SLACK_MS)


def agrees(score: int, other: int) -> bool:
    return abs(score - other) * 100 <= TOLERANCE_PERCENT * max(score, other)


def is_believed(score: int, earlier: Sequence[int]) -> bool:
    """May this run set the score? `earlier`: scores of the runs that passed on this hardware, the newest first.

    The first one may; later ones where they agree with one of the last two: with the score that holds, or with the run that
    differed from it and was repeated for that.
    """
    return not earlier or any(agrees(score, other) for other in earlier[:2])


def next_after(rng: Random, *, believed: bool) -> timedelta:
    return timedelta(days=rng.uniform(*EVERY_DAYS)) if believed else REPEAT_AFTER


def percentile(value: float, others: Sequence[float]) -> int | None:
    """How many percent of the others it is at least as good as; None of too few."""
    if len(others) < ALIKE_MIN:
        return None
    return 100 * sum(value >= other for other in others) // len(others)
