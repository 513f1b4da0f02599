"""What users spent: charged less refunded."""

from collections.abc import Collection
from datetime import UTC, datetime

from django.db.models import Case, F, Sum, When

from credit.codes import Code
from credit.models import Transfer

SPENDING = [Code.CHARGE, Code.REFUND]
NET = Sum(Case(When(code=Code.CHARGE, then=F("amount_micros")), default=-F("amount_micros")))


def month_of(now: datetime) -> datetime:
    """The beginning of the month, in UTC: the month of budgets and statements."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def spent_micros(owner_id: int, since: datetime, until: datetime) -> int:
    """By one user from `since` on, before `until`; never below zero."""
    return spent_by([owner_id], since, until).get(owner_id, 0)


def spent_by(owner_ids: Collection[int], since: datetime, until: datetime) -> dict[int, int]:
    """By each of these users; those who spent nothing may be missing."""
    rows = Transfer.objects.filter(owner__in=owner_ids, code__in=SPENDING, created_at__gte=since, created_at__lt=until)
    sums = rows.order_by().values_list("owner").annotate(net=NET)
    return {owner_id: max(0, int(net)) for owner_id, net in sums}
