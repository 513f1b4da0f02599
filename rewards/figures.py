"""What an account did that will count for rewards, and what it has earned in credit already."""

from datetime import datetime, timedelta

from django.db.models import F, Sum
from django.db.models.functions import Coalesce, Now

from credit import services as credit
from credit.codes import Code
from rendering.models import TaskCount
from rendering.states import TaskStatus
from workers import services as nodes
from workers.models import Shift

DAYS = 30
EARNINGS_SHOWN = 8


def overview(user, *, now: datetime) -> dict:
    days = nodes.days_of(user.pk)
    paid = credit.entries_of(user).filter(code=Code.EARNING, earning__isnull=False).select_related("earning")
    return {
        "balance": credit.balance_of(user),
        "earned_micros": sum(day.earned_micros for day in days),
        "rendered": sum(day.tasks_accepted for day in days),
        "failed": sum(day.tasks_failed for day in days),
        "ordered": TaskCount.objects.filter(job__owner=user).total(TaskStatus.ACCEPTED),
        "online_seconds": _online_seconds(user),
        "earned_by_day": _by_day(days, now),
        "earnings": [transfer.earning for transfer in paid[:EARNINGS_SHOWN]],
    }


def _online_seconds(user) -> float:
    shifts = Shift.objects.filter(worker__owner=user).annotate(until=Coalesce("ended_at", Now()))
    online = shifts.aggregate(span=Sum(F("until") - F("started_at")))["span"]
    return online.total_seconds() if online else 0.0


def _by_day(days: list[nodes.Day], now: datetime) -> list[tuple[str, float]]:
    """(label, credits) of the last DAYS days, oldest first."""
    first = now.date() - timedelta(days=DAYS - 1)
    micros = {day.day_on: day.earned_micros for day in days}
    shown = [first + timedelta(days=offset) for offset in range(DAYS)]
    return [(f"{day:%-d %b}", micros.get(day, 0) / 1_000_000) for day in shown]
