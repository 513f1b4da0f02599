"""How a user stands against their own limits, for the pages."""

from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse

from common.money import format_exact
from credit.models import Budget
from credit.services.alerts import reached
from credit.services.balances import Balance, balance_of
from credit.spending import month_of, spent_micros


@dataclass(frozen=True, slots=True)
class Standing:
    """What this month has used of the budget, and what is available."""

    budget: Budget | None
    month: date
    spent_micros: int
    balance: Balance

    @property
    def monthly_micros(self) -> int | None:
        return self.budget.monthly_micros if self.budget else None

    @property
    def percent(self) -> int:
        """Of the budget, rounded down; above 100 when it was passed."""
        return self.spent_micros * 100 // self.monthly_micros if self.monthly_micros else 0

    @property
    def bar_percent(self) -> int:
        return min(100, self.percent)

    @property
    def is_low(self) -> bool:
        low = self.budget.low_balance_micros if self.budget else None
        return bool(low) and self.balance.available_micros < (low or 0)


@dataclass(frozen=True, slots=True)
class Notice:
    """For components/notice.html."""

    tone: str
    title: str
    text: str
    url: str
    words: str


def standing_of(user, now: datetime, balance: Balance | None = None) -> Standing:
    """Without a budget nothing is added up."""
    budget = Budget.objects.filter(owner=user).first()
    month = month_of(now)
    spent = spent_micros(user.pk, month, now) if budget and budget.monthly_micros else 0
    return Standing(budget, month.date(), spent, balance or balance_of(user))


def notices_of(standing: Standing) -> list[Notice]:
    """What the user wanted to be told, as long as it is so."""
    return [*_of_budget(standing), *_of_balance(standing)]


def _of_budget(standing: Standing) -> list[Notice]:
    percents = reached(standing.spent_micros, standing.monthly_micros) if standing.monthly_micros else []
    if not percents or standing.budget is None:
        return []
    spent, limit = format_exact(standing.spent_micros), format_exact(standing.monthly_micros or 0)
    stops = percents[-1] == 100 and standing.budget.stops_new_jobs
    text = f"{spent} of {limit} credits." + (" New jobs are stopped; what runs goes on." if stops else "")
    tone = {50: "info", 80: "warn", 100: "bad"}[percents[-1]]
    title = f"{percents[-1]} % of this month's budget is spent."
    return [Notice(tone, title, text, reverse("credit:budgets"), "Change")]


def _of_balance(standing: Standing) -> list[Notice]:
    if not standing.is_low or standing.budget is None:
        return []
    available, low = format_exact(standing.balance.available_micros), format_exact(standing.budget.low_balance_micros or 0)
    text = f"{available} credits are available, less than {low}. Jobs pause when credit does not cover their next frame."
    return [Notice("warn", "Your credit runs low.", text, reverse("credit:budgets"), "Change")]
