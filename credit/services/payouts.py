"""Sending, as rows: numbers are reserved, signed bytes are stored, fates are written down. Nothing here asks a network.

The rules that make a payout happen once:
1. It gets one number in one lane, in the transaction that moves it to `sending`; it never gets another.
2. Signed bytes are stored before they are first sent.
3. Money is given back only for what failed on the chain under that number, finally.
Locks: lane, then payouts, then wallets.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Least

from common.transitions import move
from credit import events, notices
from credit.codes import Bucket, Code, Kind
from credit.models import Payout, PayoutBatch, PayoutLane, PayoutTransaction
from credit.payout_states import ON_ITS_WAY, PAYOUT_MOVES, PayoutStatus
from credit.payouts.lanes import Refusal, Signed
from credit.posting import Movement, chart_of, platform, post
from credit.services.withdrawals import give_money_back, is_in_doubt

log = structlog.get_logger(__name__)

AGAIN = timedelta(minutes=1)  # after what lies with the treasury: whoever tops it up is watching
LATER = [timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 16, 32, 60)]  # after each refusal of its own; then the last


def open_lane(*, chain: str, sender: str, next_number: int) -> PayoutLane:
    """The lane of a sending address; a new one begins with the number that the chain named."""
    return PayoutLane.objects.get_or_create(chain=chain, sender=sender, defaults={"next_number": next_number})[0]


@transaction.atomic
def stop_lane(*, lane: PayoutLane, because: str, now: datetime) -> None:
    """Nothing more is signed or sent here until an operator has looked."""
    PayoutLane.objects.filter(pk=lane.pk, stopped_at=None).update(stopped_at=now, stopped_because=because[:300])
    lane.refresh_from_db()


@transaction.atomic
def resume_lane(*, lane_id: int) -> bool:
    """By an operator. The lane stops again if what stopped it is still so; what waits in it is tried at once."""
    lane = PayoutLane.objects.filter(pk=lane_id).first()
    if lane is None:
        return False
    PayoutLane.objects.filter(pk=lane_id).update(stopped_at=None, stopped_because="")
    _try_at_once(Payout.objects.filter(chain=lane.chain))
    return True


def try_again(*, payout_id: int, operator) -> bool:
    """By an operator who knows that what kept it is over: the next look tries it. False: nothing keeps it."""
    is_kept = _try_at_once(Payout.objects.filter(pk=payout_id).exclude(problem=""))
    if is_kept:
        log.warning("payout_tried_again", payout=payout_id, operator=operator.pk)
    return is_kept


def _try_at_once(payouts: QuerySet[Payout]) -> bool:
    """In the order of asking again, as if never refused. `problem` stays until the look has said what is so now."""
    return bool(payouts.filter(status=PayoutStatus.APPROVED).update(try_at=F("due_at"), refusals=0))


def mark_problem(*, payout_ids: Sequence[int], refusal: Refusal, now: datetime) -> None:
    """What keeps approved payouts, for operators, and when they are tried again: however many cannot go, none that could waits for ever."""
    kept = Payout.objects.filter(pk__in=payout_ids, status=PayoutStatus.APPROVED)
    words = refusal.words[:300]
    if not refusal.is_its_own:
        kept.update(problem=words, try_at=now + AGAIN)
        return
    waits = [When(refusals=count, then=Value(now + wait)) for count, wait in enumerate(LATER)]
    try_at = Case(*waits, default=Value(now + LATER[-1]))
    kept.update(problem=words, try_at=try_at, refusals=Least(F("refusals") + 1, len(LATER)))


@transaction.atomic
def begin_batch(
    *, lane_id: int, payout_ids: Sequence[int], asset_units: int, gas_units: int, now: datetime
) -> PayoutBatch | None:
    """Give approved payouts their numbers. None: the lane has stopped, or others took them meanwhile."""
    lane = PayoutLane.objects.select_for_update().get(pk=lane_id)
    chosen = Payout.objects.select_for_update().filter(pk__in=payout_ids, status=PayoutStatus.APPROVED, lane=None)
    payouts = _without_doubt(list(chosen.order_by("pk")), now)
    if lane.stopped_at or not payouts:
        return None
    batch = PayoutBatch.objects.create(
        lane=lane,
        created_at=now,
        count=len(payouts),
        amount_micros=sum(payout.arrives_micros for payout in payouts),
        asset_units=asset_units,
        gas_units=gas_units,
    )
    for number, payout in enumerate(payouts, start=int(lane.next_number)):
        reserved = {"lane": lane, "number": number, "batch": batch, "problem": "", "refusals": 0}
        move(payout, PayoutStatus.SENDING, moves=PAYOUT_MOVES, **reserved)
    lane.next_number += len(payouts)
    lane.save(update_fields=["next_number"])
    events.credit_changed({payout.owner_id for payout in payouts})
    return batch


def _without_doubt(payouts: list[Payout], now: datetime) -> list[Payout]:
    """Approved or not: once a number is given, the money is gone. The others wait, and an operator reads why."""
    doubtful = {payout.owner_id for payout in payouts if is_in_doubt(payout.owner)}
    kept = [payout.pk for payout in payouts if payout.owner_id in doubtful]
    words = "Its owner owes, or a payment of theirs is disputed: it waits, or refuse it."
    mark_problem(payout_ids=kept, refusal=Refusal(words, is_its_own=True), now=now)
    return [payout for payout in payouts if payout.owner_id not in doubtful]


@transaction.atomic
def store_signed(*, payout_id: int, signed: Signed, now: datetime) -> PayoutTransaction:
    """What will be sent, before it is. The same bytes are stored once."""
    payout = Payout.objects.select_for_update().get(pk=payout_id)
    assert payout.status in ON_ITS_WAY, f"signed for a payout that is {payout.status}"
    return PayoutTransaction.objects.get_or_create(
        payout=payout,
        hash=signed.hash,
        defaults={
            "attempt": payout.transactions.count() + 1,
            "signed": signed.data,
            "expires_at": signed.expires_at,
            "gas_price": signed.gas_price,
            "made_at": now,
        },
    )[0]


def mark_sent(*, transaction_id: int, now: datetime) -> None:
    """For the pace of sending again; nothing depends on it."""
    PayoutTransaction.objects.filter(pk=transaction_id).update(sent_at=now)


@transaction.atomic
def mark_included(*, payout_id: int, is_included: bool) -> None:
    """The chain shows it, or has dropped the block that showed it."""
    payout = Payout.objects.select_for_update().get(pk=payout_id)
    to = PayoutStatus.SENT if is_included else PayoutStatus.SENDING
    if payout.status in ON_ITS_WAY and payout.status != to:
        move(payout, to, moves=PAYOUT_MOVES)
        events.credit_changed([payout.owner_id])


@transaction.atomic
def confirm_payout(*, payout_id: int, tx_hash: str, now: datetime) -> None:
    """It has arrived, finally. Repeating this changes nothing."""
    payout = Payout.objects.select_for_update().get(pk=payout_id)
    if payout.status not in ON_ITS_WAY:
        return
    payout.transactions.filter(hash=tx_hash).update(outcome="paid")
    move(payout, PayoutStatus.CONFIRMED, moves=PAYOUT_MOVES, settled_at=now)
    chart = chart_of([])
    waiting = platform(chart, Kind.PAYOUT, Bucket.EARNED)
    ways = [
        (Code.PAID_OUT, Kind.CHAIN, payout.arrives_micros, "paid_out"),
        (Code.WITHDRAWAL_FEE, Kind.NETWORK, payout.fee_micros, "fee"),
    ]
    post(
        [
            Movement(
                key=f"payout:{payout.pk}:{word}",
                code=code,
                source=waiting,
                target=platform(chart, kind, Bucket.EARNED),
                amount_micros=amount_micros,
                reference=f"Withdrawal {payout.pk}",
            )
            for code, kind, amount_micros, word in ways
            if amount_micros
        ]
    )
    events.credit_changed([payout.owner_id])
    notices.payout_moved(payout, now)


@transaction.atomic
def return_payout(*, payout_id: int, tx_hash: str, reason: str, now: datetime) -> None:
    """It failed on the chain, finally, and used up its number: it can never arrive. Repeating this changes nothing."""
    payout = Payout.objects.select_for_update().get(pk=payout_id)
    if payout.status not in ON_ITS_WAY:
        return
    payout.transactions.filter(hash=tx_hash).update(outcome="failed")
    move(payout, PayoutStatus.RETURNED, moves=PAYOUT_MOVES, settled_at=now, reason=reason[:300])
    give_money_back(payout)
    notices.payout_moved(payout, now)
