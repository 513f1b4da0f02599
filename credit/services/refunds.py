"""A charge is undone by transfers that reverse its own."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction

from common import clock
from credit import events
from credit.codes import Bucket, Code, Kind
from credit.errors import NotCharged
from credit.models import Earning, Transfer
from credit.posting import Chart, Movement, chart_of, platform, post, spendable, written
from credit.services.keys import bucket_keys, charge_keys
from credit.services.locks import lock_holds


@transaction.atomic
def refund_charge(*, key: str, charge_key: str, reason: str, pending_only: bool = False) -> int:
    """Reverse a charge: its creator gets it back in the buckets it came from; returns the micros given back.

    The worker's share is taken back while it is pending; once it has matured the network bears it, or, with
    `pending_only`, nothing moves and 0 is returned. Repeating the key moves nothing.

    Raises:
        NotCharged: there is no such charge, or another refund has reversed it.
    """
    charged = _lock_charge(charge_key)
    if known := written(bucket_keys(key)):
        return sum(row.amount_micros for row in known.values())
    if not charged or Transfer.objects.filter(reverses__in=charged).exists():
        raise NotCharged(charge_key)
    open_earnings = _lock_open_earnings(charged)
    if pending_only and any(row.code == Code.EARNING and row.pk not in open_earnings for row in charged):
        return 0
    creator_id = next(row.source.user_id for row in charged if row.code == Code.CHARGE)
    chart = chart_of([creator_id])
    post([_reversal(row, key, charge_key, chart, row.pk in open_earnings, reason) for row in charged])
    Earning.objects.filter(pk__in=open_earnings).update(settled_at=clock.now())
    events.credit_grew([creator_id])
    return sum(row.amount_micros for row in charged if row.code == Code.CHARGE)


class Refunded(NamedTuple):
    """What a refund moved."""

    creator_micros: int
    worker_micros: int  # taken back from pending


@transaction.atomic
def refund_pending(*, key: str, charge_key: str, reason: str) -> Refunded:
    """Reverse a charge all of whose earnings are still pending; another moves nothing. Raises NotCharged as refund_charge."""
    given = refund_charge(key=key, charge_key=charge_key, reason=reason, pending_only=True)
    rows = written(charge_keys(key)).values()
    return Refunded(given, sum(row.amount_micros for row in rows if row.code == Code.EARNING_REVERSED))


def _lock_charge(charge_key: str) -> list[Transfer]:
    """A charge's transfers; its hold is locked, so that only one refund at a time sees it unrefunded."""
    keys = charge_keys(charge_key)
    rows = list(Transfer.objects.filter(key__in=keys, hold__isnull=False).select_related("source", "target").order_by("id"))
    lock_holds(row.hold_id for row in rows if row.hold_id)
    return rows


def _lock_open_earnings(charged: Sequence[Transfer]) -> set[int]:
    rows = Earning.objects.select_for_update().filter(pk__in=[row.pk for row in charged], settled_at=None)
    return set(rows.order_by("pk").values_list("pk", flat=True))


def _reversal(row: Transfer, key: str, charge_key: str, chart: Chart, still_pending: bool, reason: str) -> Movement:
    """The transfer that undoes one transfer of a charge."""
    source, target, code = row.target, row.source, Code.SHARE_REVERSED
    if row.code == Code.CHARGE:
        code, target = Code.REFUND, spendable(chart, row.source.user_id, Bucket(row.source.bucket))
    elif row.code == Code.EARNING and still_pending:
        code = Code.EARNING_REVERSED
    elif row.code == Code.EARNING:
        source = platform(chart, Kind.NETWORK, Bucket(row.target.bucket))
    return Movement(
        key=key + row.key.removeprefix(charge_key),
        code=code,
        source=source,
        target=target,
        amount_micros=row.amount_micros,
        hold_id=None,
        reverses_id=row.pk,
        reference=reason,
    )
