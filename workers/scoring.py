"""What a benchmark says of a node: its score, whether that agrees with what was known, and where it stands among its kind. Pure.

    score = reference seconds of the canary frame / seconds that it took here

The reference is a machine of two ordinary processor cores; its seconds are a fixed number per sample. A GPU renders more samples,
so that its seconds are long enough to be told from the line's.
"""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

CANARY_MS_MAX = 3_600_000  # longer is not told apart: a score has a lower bound
UNMEASURED_MILLI = 1_000  # the score of a node of which nothing is known; what is doubted has no more
TOLERANCE_PERCENT = 15  # two runs of one machine differ by less
ALIKE_MIN = 5  # runs of other nodes of the model, before anybody is placed among them

EVERY_DAYS = (5.0, 9.0)  # about weekly, and nobody knows when
REPEAT_AFTER = timedelta(minutes=30)
RETRY_AFTER = timedelta(hours=6)  # after one that did not end


def canary_ms(claimed_seconds: float, seen_seconds: float) -> int:
    """The longer of what the node says and what the server's clock saw: what the line takes counts, for else a node that claims
    nothing is paid for it.
    """
    return min(max(1, round(claimed_seconds * 1000), round(seen_seconds * 1000)), CANARY_MS_MAX)


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
