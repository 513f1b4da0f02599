"""Users are told once when half, 80 % and all of a budget is spent, and when little credit is left.

What is to be told is a row first; a sweep tells it once, as a notice, by the ways that its owner wants.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q, Sum

from credit import notices
from credit.codes import Kind
from credit.models import Account, AlertKind, Budget, CreditAlert
from credit.spending import month_of, spent_by

PERCENTS = (50, 80, 100)
BATCH = 500
BATCHES_MAX = 400


def find_alerts(now: datetime) -> int:
    """Write what users are to be told now; returns how many rows are new."""
    found = 0
    for budgets in _batches():
        found += _budget_alerts([budget for budget in budgets if budget.monthly_micros], now)
        found += _low_alerts([budget for budget in budgets if budget.low_balance_micros], now)
    return found


def tell_alerts(now: datetime, *, limit: int = 200) -> int:
    """Tell what was not told yet; returns how many were."""
    due = CreditAlert.objects.filter(mailed_at=None).select_related("owner").order_by("created_at")
    return sum(_tell(alert, now) for alert in due[:limit])


def reached(spent_micros: int, monthly_micros: int) -> list[int]:
    """PURE. The percents of a budget that are spent, smallest first."""
    return [percent for percent in PERCENTS if spent_micros * 100 >= monthly_micros * percent]


def _batches() -> Iterator[list[Budget]]:
    last = 0
    for _ in range(BATCHES_MAX):
        wanted = Budget.objects.filter(Q(monthly_micros__isnull=False) | Q(low_balance_micros__isnull=False), pk__gt=last)
        if not (budgets := list(wanted.order_by("pk")[:BATCH])):
            return
        yield budgets
        last = budgets[-1].pk


def _budget_alerts(budgets: Sequence[Budget], now: datetime) -> int:
    """One row for each percent; only the highest of those found together is told."""
    month = month_of(now)
    spent = spent_by([budget.owner_id for budget in budgets], month, now)
    rows = []
    for budget in budgets:
        monthly_micros = budget.monthly_micros or 0
        percents = reached(spent.get(budget.owner_id, 0), monthly_micros)
        rows += [
            CreditAlert(
                owner_id=budget.owner_id,
                kind=AlertKind.BUDGET,
                month=month.date(),
                percent=percent,
                amount_micros=spent[budget.owner_id],
                limit_micros=monthly_micros,
                created_at=now,
                mailed_at=None if percent == percents[-1] else now,
            )
            for percent in percents
        ]
    return _insert(rows, month=month.date(), kind=AlertKind.BUDGET)


def _low_alerts(budgets: Sequence[Budget], now: datetime) -> int:
    """A row where too little is available and none is open; open ones end where there is enough again."""
    available = _available([budget.owner_id for budget in budgets])
    low = [budget for budget in budgets if available.get(budget.owner_id, 0) < (budget.low_balance_micros or 0)]
    enough = {budget.owner_id for budget in budgets} - {budget.owner_id for budget in low}
    CreditAlert.objects.filter(owner__in=enough, kind=AlertKind.LOW_BALANCE, ended_at=None).update(ended_at=now)
    rows = [
        CreditAlert(
            owner_id=budget.owner_id,
            kind=AlertKind.LOW_BALANCE,
            amount_micros=available.get(budget.owner_id, 0),
            limit_micros=budget.low_balance_micros or 0,
            created_at=now,
        )
        for budget in low
    ]
    return _insert(rows, kind=AlertKind.LOW_BALANCE, ended_at=None)


def _insert(rows: Sequence[CreditAlert], **where) -> int:
    """Write those that are not there yet; a unique constraint decides between two sweeps at once."""
    owners = {row.owner_id for row in rows}
    known = set(CreditAlert.objects.filter(owner__in=owners, **where).values_list("owner", "percent"))
    new = [row for row in rows if (row.owner_id, row.percent) not in known]
    CreditAlert.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def _available(owner_ids: Sequence[int]) -> dict[int, int]:
    rows = Account.objects.filter(owner__in=owner_ids, kind=Kind.SPENDABLE).order_by()
    return {owner_id: int(total) for owner_id, total in rows.values_list("owner").annotate(Sum("balance_micros"))}


@transaction.atomic
def _tell(alert: CreditAlert, now: datetime) -> bool:
    """One, once: False when another sweep was faster."""
    if not CreditAlert.objects.filter(pk=alert.pk, mailed_at=None).update(mailed_at=now):
        return False
    notices.limit_reached(alert, now)
    return True
