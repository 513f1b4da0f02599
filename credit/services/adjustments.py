"""Corrections by operators, each with a reason; above a limit a second operator agrees before anything moves."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from common.transitions import move
from credit import events, notices
from credit.adjustment_states import ADJUSTMENT_MOVES, AdjustmentStatus, needs_second
from credit.codes import Bucket, Code, Kind
from credit.deposit_states import DepositStatus
from credit.errors import AdjustmentRefused, NotClaimable
from credit.models import Adjustment, Deposit, Transfer
from credit.posting import chart_of, platform, spendable
from credit.services.additions import transfer
from credit.services.alone import alone_today_micros, lock_operator
from credit.services.deposits import claim_deposit


@transaction.atomic
def ask_adjustment(*, user, bucket: Bucket, amount_micros: int, reason: str, operator, now: datetime) -> Adjustment:
    """Adjust a user's credit: at once within what one operator may do alone in 24 hours, else when a second one agrees.

    Args:
        amount_micros: above zero adds, below zero takes.
        reason: words for the user's history.

    Raises:
        AdjustmentRefused: nothing to move, no reason, or the operator's own account.
        InsufficientCredit: more would be taken than the user has at hand.

    Locks: the operator's row, so that two requests at once do not both pass the limit.
    """
    return _ask(user, Bucket(bucket), amount_micros, reason, operator, now)


@transaction.atomic
def ask_claim(*, deposit_id: int, user, reason: str, operator, now: datetime) -> Adjustment:
    """Give an unclaimed deposit to a user whom the operator has found to be its payer, under the rule of adjustments.

    Raises:
        NotClaimable: it is somebody's, or not final.
        AdjustmentRefused: no reason, the operator's own account, or it waits for a second operator already.
    """
    deposit = Deposit.objects.select_for_update().get(pk=deposit_id)
    if deposit.status != DepositStatus.UNCLAIMED:
        raise NotClaimable(str(deposit))
    if deposit.adjustments.filter(status=AdjustmentStatus.WAITING).exists():
        raise AdjustmentRefused("asked")
    return _ask(user, Bucket.PURCHASED, deposit.amount_micros, reason, operator, now, deposit)


def _ask(user, bucket: Bucket, amount_micros: int, reason: str, operator, now: datetime, deposit=None) -> Adjustment:
    lock_operator(operator)
    _check(user, amount_micros, reason, operator)
    alone = alone_today_micros(operator, now)
    adjustment = Adjustment.objects.create(
        user=user,
        bucket=bucket,
        amount_micros=amount_micros,
        reason=reason.strip(),
        deposit=deposit,
        needs_second=needs_second(amount_micros, alone_today_micros=alone, limit_micros=settings.ADJUSTMENT_ALONE_MICROS),
        asked_by=operator,
        asked_at=now,
    )
    if not adjustment.needs_second:
        _make(adjustment, operator, now)
    return adjustment


@transaction.atomic
def agree_to_adjustment(adjustment_id: int, *, operator, now: datetime) -> Adjustment:
    """The second operator agrees: the credit moves.

    Raises:
        AdjustmentRefused: the operator asked for it, or it is the operator's own account.
        IllegalMove: it was decided before.
        InsufficientCredit: the user has spent meanwhile what would be taken; it still waits.
        NotClaimable: the deposit was credited to somebody else meanwhile; it still waits, to be refused.
    """
    adjustment = _locked(adjustment_id)
    if operator.pk in {adjustment.asked_by_id, adjustment.user_id}:
        raise AdjustmentRefused("second")
    _make(adjustment, operator, now)
    return adjustment


@transaction.atomic
def refuse_adjustment(adjustment_id: int, *, operator, now: datetime) -> Adjustment:
    """It is not made; who asked may take it back so. Raises IllegalMove: it was decided before."""
    adjustment = _locked(adjustment_id)
    move(adjustment, AdjustmentStatus.REFUSED, moves=ADJUSTMENT_MOVES, decided_by=operator, decided_at=now)
    return adjustment


def _check(user, amount_micros: int, reason: str, operator) -> None:
    if not amount_micros:
        raise AdjustmentRefused("amount")
    if not reason.strip():
        raise AdjustmentRefused("reason")
    if user.pk == operator.pk:
        raise AdjustmentRefused("own")


def _locked(adjustment_id: int) -> Adjustment:
    return Adjustment.objects.select_for_update(of=("self",)).select_related("user").get(pk=adjustment_id)


def _make(adjustment: Adjustment, operator, now: datetime) -> None:
    moved = _claim(adjustment, adjustment.deposit_id, now) if adjustment.deposit_id else _move_credit(adjustment)
    made = {"decided_by": operator, "decided_at": now, "transfer": moved}
    move(adjustment, AdjustmentStatus.MADE, moves=ADJUSTMENT_MOVES, **made)
    if not adjustment.deposit_id:
        notices.adjustment_made(adjustment, now)


def _claim(adjustment: Adjustment, deposit_id: int, now: datetime) -> Transfer:
    deposit = claim_deposit(deposit_id=deposit_id, user=adjustment.user, now=now)
    return Transfer.objects.get(key=f"{deposit.ledger_key}:claim")


def _move_credit(adjustment: Adjustment) -> Transfer:
    chart = chart_of([adjustment.user_id])
    outside = platform(chart, Kind.OPERATOR, Bucket(adjustment.bucket))
    theirs = spendable(chart, adjustment.user_id, Bucket(adjustment.bucket))
    adds = adjustment.amount_micros > 0
    moved = transfer(
        key=f"adjustment:{adjustment.pk}",
        code=Code.ADJUSTED_UP if adds else Code.ADJUSTED_DOWN,
        source=outside if adds else theirs,
        target=theirs if adds else outside,
        amount_micros=abs(adjustment.amount_micros),
        reference=adjustment.reason,
    )
    if adds:
        events.credit_grew([adjustment.user_id])
    return moved
