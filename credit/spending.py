"""What users spent: charged less refunded."""

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, datetime

from credit.codes import Code
from credit.sums import Summed, sums_of

SPENDING = (Code.CHARGE, Code.REFUND)


def month_of(now: datetime) -> datetime:
    """The beginning of the month, in UTC: the month of budgets and statements."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def net_micros(row: Summed) -> int:
    """PURE. What a sum of SPENDING adds to what was spent."""
    return row.amount_micros if row.code == Code.CHARGE else -row.amount_micros


def spent_micros(owner_id: int, since: datetime, until: datetime) -> int:
    """By one user from `since` on, before `until`; never below zero."""
    return spent_by([owner_id], since, until).get(owner_id, 0)


def spent_by(owner_ids: Collection[int], since: datetime, until: datetime) -> dict[int, int]:
    """By each of these users; those who spent nothing may be missing."""
    spent: dict[int, int] = defaultdict(int)
    for row in sums_of(owner_ids, since, until, codes=SPENDING):
        spent[row.owner_id] += net_micros(row)
    return {owner_id: max(0, net) for owner_id, net in spent.items()}
