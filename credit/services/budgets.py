"""A user's limits: kept, and asked before new work sets credit aside."""

from datetime import datetime

from django.db import transaction

from credit.errors import BudgetReached
from credit.models import Budget
from credit.spending import month_of, spent_micros


@transaction.atomic
def set_budget(*, owner, monthly_micros: int | None, stops_new_jobs: bool, low_balance_micros: int | None) -> Budget:
    """Keep what the user wants to be told, and whether new jobs stop at the limit."""
    limits = {"monthly_micros": monthly_micros, "stops_new_jobs": stops_new_jobs, "low_balance_micros": low_balance_micros}
    return Budget.objects.update_or_create(owner=owner, defaults=limits)[0]


def check_budget(*, owner_id: int, amount_micros: int, held_micros: int, now: datetime) -> None:
    """Whether a new hold fits: what was spent this month, what is held already, and this stay within the limit.

    Raises:
        BudgetReached: they would pass it, and the user asked that new jobs stop there.

    Locks: the caller holds the user's wallet, so that two new holds are not both let through.
    """
    budget = Budget.objects.filter(owner=owner_id, stops_new_jobs=True, monthly_micros__isnull=False).first()
    if budget is None or budget.monthly_micros is None:
        return
    spent = spent_micros(owner_id, month_of(now), now)
    if (over_micros := spent + held_micros + amount_micros - budget.monthly_micros) > 0:
        raise BudgetReached(over_micros, budget.monthly_micros)
