"""Credit set aside for a purpose: opened, extended, released."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from common import clock
from credit import events
from credit.codes import SPEND_ORDER, Bucket, Code
from credit.errors import HoldClosed, InDebt, InsufficientCredit, KeyReused
from credit.models import Account, Hold
from credit.posting import Chart, Movement, chart_of, holding, post, spendable, written
from credit.services.budgets import check_budget
from credit.services.disputes import owed_micros
from credit.services.keys import bucket_keys, check_amount
from credit.services.locks import lock_holds, lock_wallet
from credit.splitting import take_in_order

HOLD_LASTS = timedelta(days=30)  # since it was opened or last extended


@transaction.atomic
def open_hold(*, key: str, owner, amount_micros: int, purpose: str) -> Hold:
    """Set credit aside: promotional first, then purchased, then earned. Repeating the key returns the first hold.

    Raises:
        InsufficientCredit: less is available; nothing was held.
        BudgetReached: it would pass the owner's budget, which stops new work.
        KeyReused: the key names a hold of another owner or amount.
    """
    chart, locked = lock_wallet(owner.pk)
    if hold := Hold.objects.filter(key=key).first():
        _check_repeat(hold, key, owner.pk, amount_micros)
        return hold
    held_micros = sum(locked[holding(chart, owner.pk, bucket).pk].kept_micros for bucket in SPEND_ORDER)
    check_budget(owner_id=owner.pk, amount_micros=amount_micros, held_micros=held_micros, now=clock.now())
    hold = Hold(key=key, owner=owner, purpose=purpose)
    parts = _take_from_wallet(hold, chart, locked, amount_micros)
    hold.expires_at = hold.opened_at + HOLD_LASTS
    try:
        with transaction.atomic():
            hold.save()
    except IntegrityError as error:  # another owner's hold took the key meanwhile
        raise KeyReused(key) from error
    post(_hold_movements(hold, chart, key, parts), locked=locked)
    return hold


@transaction.atomic
def extend_hold(*, hold_id: int, key: str, amount_micros: int) -> int:
    """Set more credit aside in an open hold; returns what it covers now. Repeating the key changes nothing.

    Raises:
        InsufficientCredit: less is available; nothing was held.
        HoldClosed: it was released.
    """
    hold = lock_holds([hold_id])[hold_id]
    if known := written(bucket_keys(key)):
        check_amount(key, known.values(), amount_micros)
        return hold.remaining_micros
    if hold.closed_at:
        raise HoldClosed(hold.key)
    chart, locked = lock_wallet(hold.owner_id)
    parts = _take_from_wallet(hold, chart, locked, amount_micros)
    hold.expires_at = clock.now() + HOLD_LASTS
    hold.save()
    post(_hold_movements(hold, chart, key, parts), locked=locked)
    return hold.remaining_micros


@transaction.atomic
def release_hold(*, hold_id: int, key: str) -> int:
    """Give the rest back to the buckets it came from and close the hold; returns the micros given back (0 if closed before)."""
    hold = lock_holds([hold_id])[hold_id]
    if hold.closed_at:
        return 0
    hold.closed_at = clock.now()
    return _give_back(hold, key)


@transaction.atomic
def release_expired_hold(*, hold_id: int, now: datetime) -> int:
    """Give back what a hold still has past its time. It stays open: extending it later makes it useful again."""
    hold = lock_holds([hold_id])[hold_id]
    if hold.closed_at or hold.expires_at > now or not hold.remaining_micros:
        return 0
    return _give_back(hold, f"hold:{hold.pk}:expired:{hold.expires_at:%Y-%m-%dT%H:%M:%S.%f}")


def sweep_expired_holds(*, now: datetime, limit: int = 200) -> int:
    """Give back the rest of the holds past their time; returns how many."""
    due = Hold.objects.filter(closed_at=None, expires_at__lte=now).exclude(
        promotional_micros=0, purchased_micros=0, earned_micros=0
    )
    ids = list(due.order_by("expires_at").values_list("pk", flat=True)[:limit])
    return sum(release_expired_hold(hold_id=pk, now=now) > 0 for pk in ids)


def _take_from_wallet(hold: Hold, chart: Chart, locked: dict[int, Account], amount_micros: int) -> dict[Bucket, int]:
    """Add `amount_micros` to the unsaved hold; which bucket gives what."""
    assert amount_micros > 0, "a hold needs an amount"
    rows = {bucket: locked[spendable(chart, hold.owner_id, bucket).pk] for bucket in SPEND_ORDER}
    if any(row.in_debt for row in rows.values()):
        raise InDebt(owed_micros(hold.owner_id))
    available_micros = sum(row.kept_micros for row in rows.values())
    if available_micros < amount_micros:
        raise InsufficientCredit(amount_micros - available_micros)
    parts = take_in_order(amount_micros, {bucket: row.kept_micros for bucket, row in rows.items()})
    if Bucket.PURCHASED in parts:
        hold.clears_at = max(filter(None, (hold.clears_at, rows[Bucket.PURCHASED].clears_at)), default=None)
    hold.add(parts)
    return parts


def _hold_movements(hold: Hold, chart: Chart, key: str, parts: Mapping[Bucket, int], *, back: bool = False) -> list[Movement]:
    """One movement per bucket between the owner's spendable and holding accounts."""
    movements = []
    for bucket, amount_micros in parts.items():
        ends = [spendable(chart, hold.owner_id, bucket), holding(chart, hold.owner_id, bucket)]
        source, target = reversed(ends) if back else ends
        movements.append(
            Movement(
                key=f"{key}/{bucket.value}",
                code=Code.RELEASE if back else Code.HOLD,
                source=source,
                target=target,
                amount_micros=amount_micros,
                hold_id=hold.pk,
                reference=hold.purpose,
            )
        )
    return movements


def _give_back(hold: Hold, key: str) -> int:
    """Move the rest of a locked hold back and save the hold."""
    parts = {bucket: part for bucket, part in hold.parts().items() if part}
    hold.add(parts, sign=-1)
    hold.save()
    if parts:
        post(_hold_movements(hold, chart_of([hold.owner_id]), key, parts, back=True))
        events.credit_grew([hold.owner_id])
    return sum(parts.values())


def _check_repeat(hold: Hold, key: str, owner_id: int, amount_micros: int) -> None:
    if hold.owner_id != owner_id:
        raise KeyReused(key)
    check_amount(key, written(bucket_keys(key)).values(), amount_micros)
