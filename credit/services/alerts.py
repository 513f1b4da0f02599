"""Users are told once when half, 80 % and all of a budget is spent, and when little credit is left.

What is to be told is a row first; it is mailed by a sweep, and again if the mail could not be sent.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q, Sum
from django.template.loader import render_to_string
from django.urls import reverse

from credit.codes import Kind
from credit.models import Account, AlertKind, Budget, CreditAlert
from credit.spending import month_of, spent_by

PERCENTS = (50, 80, 100)
BATCH = 500
BATCHES_MAX = 400
log = structlog.get_logger(__name__)


def find_alerts(now: datetime) -> int:
    """Write what users are to be told now; returns how many rows are new."""
    found = 0
    for budgets in _batches():
        found += _budget_alerts([budget for budget in budgets if budget.monthly_micros], now)
        found += _low_alerts([budget for budget in budgets if budget.low_balance_micros], now)
    return found


def mail_alerts(now: datetime, *, limit: int = 200) -> int:
    """Send what was not sent yet; returns how many mails went out."""
    due = CreditAlert.objects.filter(mailed_at=None).select_related("owner").order_by("created_at")
    return sum(_mail(alert, now) for alert in due[:limit])


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
    """One row for each percent; only the highest of those found together is mailed."""
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


def _mail(alert: CreditAlert, now: datetime) -> bool:
    """Send one; False when it could not be sent now, and is tried at the next sweep."""
    owner = alert.owner
    context = {
        "alert": alert,
        "owner": owner,
        "site_name": settings.SITE_NAME,
        "url": settings.SITE_URL + reverse("credit:budgets"),
    }
    subject = f"{alert.percent} % of your monthly budget is spent" if alert.kind == AlertKind.BUDGET else "Your credit runs low"
    if owner.email:
        try:
            send_mail(
                f"{settings.SITE_NAME}: {subject}", render_to_string("credit/mail/alert.txt", context), None, [owner.email]
            )
        except OSError:
            log.exception("alert_not_mailed", owner=owner.pk)
            return False
    CreditAlert.objects.filter(pk=alert.pk).update(mailed_at=now)
    return bool(owner.email)
