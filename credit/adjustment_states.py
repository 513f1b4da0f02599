"""Statuses of an operator's adjustments, the moves between them, and when a second operator must agree. Pure."""

from django.db.models import TextChoices


class AdjustmentStatus(TextChoices):
    """Of a correction by hand."""

    WAITING = "waiting", "Waits for a second operator"
    MADE = "made", "Made"
    REFUSED = "refused", "Refused"


ADJUSTMENT_MOVES = {
    AdjustmentStatus.WAITING: frozenset({AdjustmentStatus.MADE, AdjustmentStatus.REFUSED}),
    AdjustmentStatus.MADE: frozenset(),
    AdjustmentStatus.REFUSED: frozenset(),
}


def needs_second(amount_micros: int, *, alone_today_micros: int, limit_micros: int) -> bool:
    """May one operator not do it alone? What they adjusted alone within a day counts, so that parts do not pass the limit."""
    return alone_today_micros + abs(amount_micros) > limit_micros
