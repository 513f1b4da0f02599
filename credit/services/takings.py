"""Operators take the network's revenue out of a treasury: booked here, under the rule of adjustments, and sent by hand.

It is booked before it is sent: until it is, the treasury holds more than the books say, which harms nobody.
Locks: the taking, the operator, then the network's accounts, which nothing else locks: two takings see each other.
"""

from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction

from common.transitions import move
from credit.adjustment_states import ADJUSTMENT_MOVES, AdjustmentStatus, needs_second
from credit.booked import booked_units
from credit.chains import Asset, Chain, chain_of
from credit.codes import Bucket, Code, Kind
from credit.errors import TakingRefused
from credit.models import Account, Taking
from credit.nets import nets
from credit.posting import Movement, chart_of, platform, post
from credit.services.alone import alone_today_micros, lock_operator

MONEY = (Bucket.PURCHASED, Bucket.EARNED)  # what promotional credit paid was never money
log = structlog.get_logger(__name__)


def revenue_micros() -> int:
    """The network's share and fees so far, less what it bore and what was taken."""
    found = nets(Kind.NETWORK)
    return sum(found.get(bucket, 0) for bucket in MONEY)


@transaction.atomic
def ask_taking(*, chain: Chain, asset: Asset, amount_micros: int, reason: str, operator, now: datetime) -> Taking:
    """Take revenue: at once within what one operator may do alone in 24 hours, else when a second one agrees.

    Raises TakingRefused: no amount, no reason, or more than the revenue or that treasury has.
    """
    lock_operator(operator)
    units = asset.units(amount_micros)
    if units <= 0 or not reason.strip():
        raise TakingRefused("amount" if units <= 0 else "reason")
    _check(chain, asset, amount_micros)
    alone = alone_today_micros(operator, now)
    taking = Taking.objects.create(
        chain=chain.key,
        asset=asset.contract,
        symbol=asset.symbol,
        amount_micros=amount_micros,
        units=units,
        reason=reason.strip()[:200],
        needs_second=needs_second(amount_micros, alone_today_micros=alone, limit_micros=settings.ADJUSTMENT_ALONE_MICROS),
        asked_by=operator,
        asked_at=now,
    )
    if not taking.needs_second:
        _make(taking, operator, now)
    return taking


@transaction.atomic
def agree_to_taking(taking_id: int, *, operator, now: datetime) -> Taking:
    """The second operator agrees: it may be sent now.

    Raises:
        TakingRefused: the operator asked for it, or there is less than that by now; it still waits.
        IllegalMove: it was decided before.
    """
    taking = Taking.objects.select_for_update().get(pk=taking_id)
    if operator.pk == taking.asked_by_id:
        raise TakingRefused("second")
    _make(taking, operator, now)
    return taking


@transaction.atomic
def refuse_taking(taking_id: int, *, operator, now: datetime) -> Taking:
    """It is not made; who asked may take it back so. Raises IllegalMove: it was decided before."""
    taking = Taking.objects.select_for_update().get(pk=taking_id)
    move(taking, AdjustmentStatus.REFUSED, moves=ADJUSTMENT_MOVES, decided_by=operator, decided_at=now)
    return taking


def _make(taking: Taking, operator, now: datetime) -> None:
    """Its parts out of the network's accounts: purchased first, each as far as it is above zero."""
    move(taking, AdjustmentStatus.MADE, moves=ADJUSTMENT_MOVES, decided_by=operator, decided_at=now)
    chain = chain_of(taking.chain)
    if chain is None or (asset := chain.asset(taking.asset)) is None:
        raise TakingRefused("chain")
    chart = chart_of([])
    left = taking.amount_micros
    movements = []
    for bucket, micros in _check(chain, asset, taking.amount_micros, taking).items():
        if part := min(left, max(0, micros)):
            left -= part
            movements.append(
                Movement(
                    key=f"taking:{taking.pk}/{bucket.value}",
                    code=Code.REVENUE_TAKEN,
                    source=platform(chart, Kind.NETWORK, bucket),
                    target=platform(chart, Kind.CHAIN, bucket),
                    amount_micros=part,
                    reference=taking.reason,
                )
            )
    post(movements)
    log.warning("revenue_taken", taking=taking.pk, amount_micros=taking.amount_micros, chain=taking.chain, operator=operator.pk)


def _check(chain: Chain, asset: Asset, amount_micros: int, made: Taking | None = None) -> dict[Bucket, int]:
    """What the network has by bucket, its accounts locked. `made` is in the books already. Raises TakingRefused."""
    list(Account.objects.select_for_update(no_key=True).filter(kind=Kind.NETWORK).order_by("pk"))
    found = nets(Kind.NETWORK)
    if sum(found.get(bucket, 0) for bucket in MONEY) < amount_micros:
        raise TakingRefused("revenue")
    if booked_units(chain, asset) + (int(made.units) if made else 0) < asset.units(amount_micros):
        raise TakingRefused("treasury")
    return {bucket: found.get(bucket, 0) for bucket in MONEY}
