"""Pending earnings: written with each charge, available when they are due."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from credit import events
from credit.codes import Bucket, Code
from credit.models import Account, CreditRule, Earning, Hold, Transfer
from credit.posting import Chart, Movement, chart_of, post, spendable

INSERT = """
    INSERT INTO credit_earning (transfer_id, account_id, amount_micros, matures_at)
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[])
"""


def write_earnings(transfers: Iterable[Transfer], holds: dict[int, Hold], now: datetime) -> None:
    """Pending earnings with the moment at which they become available."""
    pending = timedelta(seconds=CreditRule.at(now).pending_seconds)
    paid = [(row, holds[row.hold_id]) for row in transfers if row.code == Code.EARNING and row.hold_id]
    columns = [[getattr(row, name) for row, _ in paid] for name in ("pk", "target_id", "amount_micros")]
    due = [matures_at(hold=hold, row=row, earliest=now + pending) for row, hold in paid]
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [*columns, due])


def matures_at(*, hold: Hold, row: Transfer, earliest: datetime) -> datetime | None:
    """Not before the money paid is beyond chargeback; never for what one's own job pays one's own node."""
    if hold.owner_id == row.owner_id:
        return None
    if row.target.bucket == Bucket.PURCHASED and hold.clears_at:
        return max(earliest, hold.clears_at)
    return earliest


@transaction.atomic
def sweep_matured_earnings(*, now: datetime, limit: int = 1000) -> int:
    """Make due earnings available; returns how many. One transfer per user and bucket, however many earnings.

    What promotional credit paid becomes promotional (spend-only), everything else earned (withdrawable).
    """
    due = Earning.objects.select_for_update(skip_locked=True).filter(settled_at=None, matures_at__lte=now)
    earnings = list(due.order_by("pk")[:limit])
    if not earnings:
        return 0
    accounts = Account.objects.in_bulk({earning.account_id for earning in earnings})
    owner_ids = {account.user_id for account in accounts.values()}
    chart = chart_of(owner_ids)
    post([_maturity(account, [each for each in earnings if each.account_id == pk], chart) for pk, account in accounts.items()])
    Earning.objects.filter(pk__in=[earning.pk for earning in earnings]).update(settled_at=now)
    events.credit_grew(owner_ids)
    return len(earnings)


def _maturity(account: Account, earnings: Sequence[Earning], chart: Chart) -> Movement:
    """An earning matures once, so the first of them names the batch for ever."""
    becomes = Bucket.PROMOTIONAL if account.bucket == Bucket.PROMOTIONAL else Bucket.EARNED
    return Movement(
        key=f"earning:{earnings[0].pk}:maturity",
        code=Code.MATURITY,
        source=account,
        target=spendable(chart, account.user_id, becomes),
        amount_micros=sum(earning.amount_micros for earning in earnings),
        reference=f"{len(earnings)} accepted {'task' if len(earnings) == 1 else 'tasks'}",
    )
