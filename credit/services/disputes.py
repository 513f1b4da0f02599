"""A payment is put in doubt: its funds and what was earned from them wait; won, they come back; lost, they go.

What is no longer there is a debt: until it is paid its owner opens no hold and withdraws nothing.
Locks: the payment, its dispute, the debts, then as everywhere: earnings, wallets, pending accounts.
"""

from datetime import datetime

import structlog
from django.db import transaction

from common.transitions import move
from credit import events, notices
from credit.codes import Bucket, Code, Kind
from credit.models import Account, Debt, Dispute, Payment
from credit.payment_states import DISPUTE_MOVES, DisputeKind, DisputeStatus, PaymentStatus
from credit.posting import Movement, platform, post
from credit.services.disputed_earnings import candidates, freeze, restorable, restore, take_back, thaw, within
from credit.services.disputed_funds import FROZEN_BUCKETS, Wallet, lock_disputed_wallet

log = structlog.get_logger(__name__)


@transaction.atomic
def open_dispute(*, payment_id, key: str, kind: DisputeKind, credit_micros: int, now: datetime) -> Dispute | None:
    """Put so much credit of a payment on hold, once per key. None: the payment was never credited.

    What cannot be found any more becomes a debt, and as much of what it paid to others stays pending.
    """
    payment = Payment.objects.select_for_update().get(pk=payment_id)
    if known := Dispute.objects.filter(key=key).first():
        return known
    if payment.status != PaymentStatus.CREDITED:
        return None
    at_stake = min(credit_micros, payment.amount_micros - _in_other_disputes(payment))
    spent = candidates(payment, at_stake)
    wallet = lock_disputed_wallet(payment.owner_id)
    dispute = Dispute.objects.create(payment=payment, key=key, kind=kind, amount_micros=at_stake, opened_at=now)
    if missing := at_stake - _hold_back(dispute, wallet, at_stake, payment):
        freeze(dispute, within(spent, missing))
        Debt.objects.create(dispute=dispute, owner=payment.owner, owed_micros=missing, opened_at=now)
    wallet.mark_debt()
    if kind == DisputeKind.DISPUTE:  # the others are over at once
        notices.dispute_opened(dispute, missing, now)
    log.warning("dispute_opened", dispute=key, payment=str(payment.pk), amount_micros=at_stake, missing_micros=missing)
    return dispute


@transaction.atomic
def resolve_dispute(*, dispute_id: int, lost_micros: int, now: datetime) -> Dispute:
    """End a dispute: so much credit is lost, 0 when it was won. Once; a repeat changes nothing."""
    payment = Payment.objects.select_for_update(of=("self",)).get(disputes=dispute_id)
    dispute = Dispute.objects.select_for_update().get(pk=dispute_id)
    if dispute.status != DisputeStatus.OPEN:
        return dispute
    lost = min(lost_micros, dispute.amount_micros)
    debt = Debt.objects.select_for_update().filter(dispute=dispute).first()
    spent = candidates(payment, dispute.amount_micros, dispute)
    wallet = lock_disputed_wallet(payment.owner_id)
    if lost > dispute.frozen_micros:
        _hold_back(dispute, wallet, lost - dispute.frozen_micros, payment)
    missing = _pay_back(dispute, wallet, lost, payment)
    taken = within(spent, missing)
    taken_micros = take_back(dispute, taken, now)
    thaw(dispute, now)
    _bear(dispute, wallet, missing, taken_micros)
    _set_debt(dispute, debt, payment, missing, now)
    to = DisputeStatus.LOST if lost else DisputeStatus.WON
    at_stake = lost if lost else dispute.amount_micros
    move(dispute, to, moves=DISPUTE_MOVES, resolved_at=now, amount_micros=at_stake, purchased_micros=0, earned_micros=0)
    wallet.mark_debt()
    events.credit_grew([payment.owner_id])
    notices.dispute_resolved(dispute, missing, now)
    log.warning("dispute_resolved", dispute=dispute.key, lost_micros=lost, owed_micros=missing)
    return dispute


@transaction.atomic
def take_returned(*, payment_id, key: str, kind: DisputeKind, credit_micros: int, now: datetime) -> Dispute | None:
    """Credit whose money has gone back already: a reversal by a bank, a refund at the provider."""
    dispute = open_dispute(payment_id=payment_id, key=key, kind=kind, credit_micros=credit_micros, now=now)
    if dispute is not None:
        resolve_dispute(dispute_id=dispute.pk, lost_micros=credit_micros, now=now)
    return dispute


def take_refunds(*, payment_id, returned_micros: int, now: datetime) -> None:
    """Refunds at the provider, as its order sums them up."""
    take_returned_in_all(payment_id=payment_id, returned_micros=returned_micros, kind=DisputeKind.REFUND, now=now)


@transaction.atomic
def take_returned_in_all(*, payment_id, returned_micros: int, kind: DisputeKind, now: datetime) -> bool:
    """Of the money that went back to the payer so far, what no dispute or earlier return accounts for."""
    payment = Payment.objects.select_for_update().get(pk=payment_id)
    returned = payment.credit_of(returned_micros) if returned_micros else 0
    if (part := returned - _in_other_disputes(payment)) <= 0:
        return False
    key = (
        f"{payment.provider}:{kind.value}:{payment.capture_id}:{payment.disputes.count()}"  # what is taken is never taken again
    )
    return take_returned(payment_id=payment_id, key=key, kind=kind, credit_micros=part, now=now) is not None


@transaction.atomic
def collect_debts(*, owner_id: int, now: datetime) -> int:
    """Set what is available against open debts, oldest first; returns the micros taken. Promotional credit is left alone."""
    ids = Debt.objects.filter(owner_id=owner_id, settled_at=None).order_by("opened_at", "pk").values_list("pk", flat=True)
    disputed = Dispute.objects.filter(pk__in=list(ids)).values("payment")
    list(Payment.objects.select_for_update().filter(pk__in=disputed).order_by("pk"))
    debts = list(Debt.objects.select_for_update().filter(pk__in=list(ids), settled_at=None).order_by("opened_at", "pk"))
    if not debts:
        return 0
    wallet = lock_disputed_wallet(owner_id, also=restorable([debt.pk for debt in debts]))
    taken = sum(_collect(debt, wallet, now) for debt in debts)
    wallet.mark_debt()
    return taken


def sweep_debts(*, now: datetime, limit: int = 200) -> int:
    """Collect from everybody who owes and has something; returns the micros taken."""
    at_hand = Account.objects.filter(in_debt=True, kind=Kind.SPENDABLE, bucket__in=FROZEN_BUCKETS, balance_micros__gt=0)
    owners = at_hand.order_by("owner_id").values_list("owner_id", flat=True).distinct()[:limit]
    return sum(collect_debts(owner_id=owner_id, now=now) for owner_id in owners)


def owed_micros(owner_id: int) -> int:
    """What a user owes for payments that were taken back or are disputed and spent; above zero blocks holds and withdrawals."""
    return sum(Debt.objects.filter(owner_id=owner_id, settled_at=None).values_list("owed_micros", flat=True))


def _in_other_disputes(payment: Payment) -> int:
    """Credit of a locked payment that is lost or at stake already."""
    return sum(payment.disputes.exclude(status=DisputeStatus.WON).values_list("amount_micros", flat=True))


def _hold_back(dispute: Dispute, wallet: Wallet, wanted_micros: int, payment: Payment) -> int:
    """Move up to so much of what is available into the disputed accounts; returns what was found."""
    parts = wallet.take_available(wanted_micros)
    key = f"dispute:{dispute.pk}:hold:{dispute.frozen_micros}"
    wallet.post(key, Code.DISPUTE, parts, wallet.spendable, wallet.disputed, _words(payment))
    for bucket, micros in parts.items():
        name = f"{bucket.value}_micros"
        setattr(dispute, name, getattr(dispute, name) + micros)
    dispute.save(update_fields=["purchased_micros", "earned_micros"])
    return sum(parts.values())


def _pay_back(dispute: Dispute, wallet: Wallet, lost_micros: int, payment: Payment) -> int:
    """What is on hold goes to the provider as far as it was lost, the rest back; returns what is missing."""
    gone, back, left = {}, {}, lost_micros
    for bucket in FROZEN_BUCKETS:
        held = getattr(dispute, f"{bucket.value}_micros")
        gone[bucket] = min(held, left)
        back[bucket] = held - gone[bucket]
        left -= gone[bucket]
    key, words = f"dispute:{dispute.pk}", _words(payment)
    wallet.post(f"{key}:lost", Code.CHARGEBACK, gone, wallet.disputed, wallet.provider, words)
    wallet.post(f"{key}:back", Code.DISPUTE_WON, back, wallet.disputed, wallet.spendable, words)
    return left


def _bear(dispute: Dispute, wallet: Wallet, missing_micros: int, taken_micros: int) -> None:
    """What is missing goes to the provider out of the earnings that were taken back, and the network's own."""
    parts = {Kind.CLEARING: taken_micros, Kind.NETWORK: missing_micros - taken_micros}
    post(
        [
            Movement(
                key=f"dispute:{dispute.pk}:lost/{kind.value}",
                code=Code.CHARGEBACK,
                source=platform(wallet.chart, kind, Bucket.PURCHASED),
                target=platform(wallet.chart, Kind.PROVIDER, Bucket.PURCHASED),
                amount_micros=micros,
                reference=_words(dispute.payment),
            )
            for kind, micros in parts.items()
            if micros
        ]
    )


def _set_debt(dispute: Dispute, debt: Debt | None, payment: Payment, owed: int, now: datetime) -> None:
    if debt is None and owed:
        Debt.objects.create(dispute=dispute, owner=payment.owner, owed_micros=owed, opened_at=now)
    elif debt is not None:
        settled_at = debt.settled_at or (None if owed else now)
        Debt.objects.filter(pk=debt.pk).update(owed_micros=owed, settled_at=settled_at if not owed else None)


def _collect(debt: Debt, wallet: Wallet, now: datetime) -> int:
    """Set what is available against one locked debt."""
    dispute = Dispute.objects.select_related("payment").get(pk=debt.dispute_id)
    if dispute.status == DisputeStatus.OPEN:
        taken = _hold_back(dispute, wallet, debt.owed_micros, dispute.payment)
    else:
        taken = _pay_network(debt, wallet, dispute.payment)
    owed = debt.owed_micros - taken
    Debt.objects.filter(pk=debt.pk).update(owed_micros=owed, settled_at=None if owed else now)
    if not owed and dispute.status == DisputeStatus.LOST:
        restore(dispute, wallet.chart, now)
    return taken


def _pay_network(debt: Debt, wallet: Wallet, payment: Payment) -> int:
    parts = wallet.take_available(debt.owed_micros)
    key = f"dispute:{debt.dispute_id}:paid:{debt.owed_micros}"
    wallet.post(key, Code.DEBT_PAID, parts, wallet.spendable, wallet.network, _words(payment))
    return sum(parts.values())


def _words(payment: Payment) -> str:
    return f"PayPal payment of {payment.opened_at:%Y-%m-%d}"
