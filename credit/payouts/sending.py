"""One look at one chain: what became of what was sent, numbers for the next batch, signing, sending.

It may die at any point and be run again, or run twice at once. All it knows is in the rows; see credit.services.payouts for
the rules that make each payout happen once. No request to a node happens inside a transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import Sum

from credit.chains import Chain
from credit.models import Payout, PayoutLane, PayoutTransaction
from credit.payout_states import ON_ITS_WAY, PayoutStatus
from credit.payouts import treasury
from credit.payouts.aptos import AptosLane
from credit.payouts.evm import GWEI, EvmLane
from credit.payouts.lanes import FateKind, Lane, Made, Order
from credit.payouts.signer import Ed25519KeyFile, Secp256k1KeyFile
from credit.services import payouts as services
from credit.withdrawing import DAY, sender_of

AGAIN_SECONDS = 20  # between two sendings of the same bytes
CHOSEN_MAX = 200
log = structlog.get_logger(__name__)


def pay_out(chain: Chain, now: datetime) -> None:
    """Raises Unreachable, WrongChain, NoSigner; whatever was done before that stays done."""
    sender = lane_of(chain)
    sender.check()
    lane = PayoutLane.objects.filter(chain=chain.key, sender=sender.address).first()
    if lane is None:
        lane = services.open_lane(chain=chain.key, sender=sender.address, next_number=sender.next_number())
    follow(sender, lane, now)
    if not lane.stopped_at:
        begin_batch(chain, sender, lane, now)
        follow(sender, lane, now)


@contextmanager
def turn(chain: Chain) -> Iterator[bool]:
    """One process at a time looks at a chain, to save requests; nothing depends on it. The lock ends with the connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [f"payouts:{chain.key}"])
        (is_mine,) = cursor.fetchone()
    try:
        yield is_mine
    finally:
        if is_mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [f"payouts:{chain.key}"])


def lane_of(chain: Chain) -> Lane:
    """With the key of this machine. Raises NoSigner."""
    if chain.kind == "aptos":
        return AptosLane(chain, sender_of(chain), Ed25519KeyFile(settings.APTOS_PAYOUT_KEY_FILE))
    signer = Secp256k1KeyFile(settings.EVM_PAYOUT_KEY_FILE)
    return EvmLane(chain, sender_of(chain), signer, gas_price_max=settings.EVM_PAYOUT_GWEI_MAX * GWEI)


# What was given a number -----------------------------------------------------------------------------------------------


def follow(sender: Lane, lane: PayoutLane, now: datetime) -> None:
    """In the order of numbers: the chain takes them in no other."""
    for payout in lane.payouts.filter(status__in=ON_ITS_WAY).order_by("number"):
        advance(sender, lane, payout, now)


def advance(sender: Lane, lane: PayoutLane, payout: Payout, now: datetime) -> None:
    """One payout as far as it can go now."""
    rows = list(payout.transactions.all())
    order, made = reserved(payout), [made_of(row) for row in rows]
    if not rows:
        return sign_and_send(sender, lane, payout, [], now)
    fate = sender.fate(order, made)
    if fate.kind == FateKind.PAID:
        services.confirm_payout(payout_id=payout.pk, tx_hash=fate.hash, now=now)
    elif fate.kind == FateKind.FAILED:
        services.return_payout(payout_id=payout.pk, tx_hash=fate.hash, reason=f"The chain says: {fate.words}", now=now)
    elif fate.kind == FateKind.STRANGE:
        log.error("payout_lane_stopped", lane=str(lane), payout=payout.pk, words=fate.words)
        services.stop_lane(lane=lane, because=f"Withdrawal {payout.pk}: {fate.words}", now=now)
    elif fate.kind == FateKind.INCLUDED:
        services.mark_included(payout_id=payout.pk, is_included=True)
    else:
        services.mark_included(payout_id=payout.pk, is_included=False)
        is_stuck = sender.is_stuck(made, int((now - rows[-1].made_at).total_seconds()))
        if fate.kind == FateKind.EXPIRED or is_stuck:
            sign_and_send(sender, lane, payout, made, now)
        elif is_due(rows[-1], now):
            send(sender, lane, rows[-1], now)


def sign_and_send(sender: Lane, lane: PayoutLane, payout: Payout, made: list[Made], now: datetime) -> None:
    """Stored first: what was sent and forgotten could be paid again."""
    if lane.stopped_at:
        return
    signed = sender.sign(reserved(payout), made)
    send(sender, lane, services.store_signed(payout_id=payout.pk, signed=signed, now=now), now)


def send(sender: Lane, lane: PayoutLane, row: PayoutTransaction, now: datetime) -> None:
    if lane.stopped_at:
        return
    refused = sender.broadcast(bytes(row.signed))
    if refused:
        log.warning("payout_not_taken", payout=row.payout_id, hash=row.hash, words=refused)
    services.mark_sent(transaction_id=row.pk, now=now)


def is_due(row: PayoutTransaction, now: datetime) -> bool:
    return row.sent_at is None or (now - row.sent_at).total_seconds() >= AGAIN_SECONDS


def reserved(payout: Payout) -> Order:
    assert payout.number is not None, "nothing is signed without a number"
    return order_of(payout, number=int(payout.number))


def order_of(payout: Payout, *, number: int) -> Order:
    return Order(number=number, contract=payout.asset, to=payout.address, units=int(payout.units))


def made_of(row: PayoutTransaction) -> Made:
    return Made(row.hash, row.expires_at, int(row.gas_price))


# The next batch --------------------------------------------------------------------------------------------------------


def begin_batch(chain: Chain, sender: Lane, lane: PayoutLane, now: datetime) -> None:
    """Numbers for whatever the sending wallet can pay and the chain would take; the rest says why it waits."""
    for asset in chain.assets:
        approved = Payout.objects.filter(status=PayoutStatus.APPROVED, chain=chain.key, asset=asset.contract, lane=None)
        waiting = list(approved.filter(try_at__lte=now).order_by("try_at", "pk")[:CHOSEN_MAX])
        if not waiting or not is_ours_alone(sender, lane, now):
            continue
        funds = sender.funds(asset.contract)
        choice = treasury.choose(
            waiting,
            asset=asset,
            funds=funds,
            under_way=list(lane.payouts.filter(status__in=ON_ITS_WAY)),
            left_today_micros=settings.PAYOUT_DAY_MAX_MICROS - paid_today(lane, now),
            payout_max_micros=settings.PAYOUT_MAX_MICROS,
            refusal_of=lambda payout: sender.preflight(order_of(payout, number=0)),
        )
        for refusal, kept in choice.kept.items():
            log.error("payouts_kept", chain=chain.key, payouts=len(kept), words=refusal.words)
            services.mark_problem(payout_ids=[payout.pk for payout in kept], refusal=refusal, now=now)
        services.begin_batch(
            lane_id=lane.pk,
            payout_ids=[payout.pk for payout in choice.go],
            asset_units=funds.asset_units,
            gas_units=funds.gas_units,
            now=now,
        )


def is_ours_alone(sender: Lane, lane: PayoutLane, now: datetime) -> bool:
    """Has the chain used no number that was never given out? Another program with the same key would end in a double payment."""
    next_number = sender.next_number()
    lane.refresh_from_db()
    if next_number <= lane.next_number:
        return not lane.stopped_at
    words = f"The chain expects number {next_number}, {lane.next_number} was never given out: somebody else uses the key."
    log.error("payout_lane_stopped", lane=str(lane), words=words)
    services.stop_lane(lane=lane, because=words, now=now)
    return False


def paid_today(lane: PayoutLane, now: datetime) -> int:
    """Micros that got their number in the last 24 hours."""
    recent = lane.batches.filter(created_at__gt=now - DAY)
    return recent.aggregate(total=Sum("amount_micros"))["total"] or 0
