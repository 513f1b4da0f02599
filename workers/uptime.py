"""How long a node was online, from its shifts. Pure."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

Span = tuple[datetime, datetime | None]  # began, ended or still open

DAY_SECONDS = 86_400
LEVELS = (0.0, 0.25, 0.5, 0.9)  # share of a day that is left behind for levels 1 to 4


def since_midnight(moment: datetime) -> float:
    """Seconds of the day that have passed, by the moment's own clock."""
    return (moment - moment.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()


def online_seconds(spans: Sequence[Span], since: datetime, until: datetime) -> float:
    """Seconds online between two moments; spans do not overlap."""
    return sum(
        max(0.0, (min(ended or until, until) - max(began, since)).total_seconds()) for began, ended in spans if began < until
    )


def share(spans: Sequence[Span], since: datetime, until: datetime) -> float | None:
    """0..1, or None for an empty period."""
    period = (until - since).total_seconds()
    return min(1.0, online_seconds(spans, since, until) / period) if period > 0 else None


def days(spans: Sequence[Span], last: datetime, *, weeks: int) -> list[tuple[date, float]]:
    """Hours online of each day (UTC) of whole weeks, oldest first, ending with the day of `last`."""
    today = last.replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [today - timedelta(days=n) for n in range(weeks * 7 - 1, -1, -1)]
    return [(start.date(), online_seconds(spans, start, min(start + timedelta(days=1), last)) / 3600) for start in starts]


def level(hours: float) -> int:
    """0 (never online) to 4 (nearly all day), for a calendar."""
    return sum(hours / 24 > bound for bound in LEVELS)
