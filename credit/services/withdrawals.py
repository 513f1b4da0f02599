"""Withdrawals from the request to the decision: taken, cancelled, let go when their delay is over, approved, refused.

Locks: the payout's row before its owner's wallet. Sending them is credit.services.payouts.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from common.money import format_exact
from common.transitions import move
from credit import events, notices
from credit.chains import Asset, Chain, chain_of
from credit.codes import Bucket, Code, Kind
from credit.errors import InsufficientCredit, KeyReused
from credit.models import Debt, Dispute, Payout, PayoutAddress
from credit.payment_states import DisputeStatus
from credit.payout_states import GIVEN_BACK, MAY_CANCEL, MAY_REFUSE, PAYOUT_MOVES, PayoutStatus
from credit.posting import Movement, chart_of, platform, post, spendable
from credit.services.balances import balance_of
from credit.services.locks import lock_wallet
from credit.withdrawing import DAY, Quote, Refusal, TooLate, WithdrawalRefused, delay, quote, sender_of
from users.models import User


@transaction.atomic
def request_withdrawal(
    *, owner: User, address_id: int, chain_key: str, contract: str, amount_micros: int, key: str, now: datetime
) -> Payout:
    """Take `amount_micros` of earned credit out of the balance, to be paid out later. Repeating the key changes nothing.

    Raises:
        WithdrawalRefused: with words for the person; nothing moved.
        KeyReused: the key names another withdrawal of this person.

    Locks: the whole wallet, before anything is looked at, so that two tabs see each other's withdrawals.
    """
    chart, locked = lock_wallet(owner.pk)
    if known := Payout.objects.filter(owner=owner, key=key).first():
        if (known.place_id, known.amount_micros, known.asset) != (address_id, amount_micros, contract):
            raise KeyReused(key)
        return known
    place, chain, asset, what = _checked(owner, address_id, chain_key, contract, amount_micros, now)
    payout = Payout.objects.create(
        owner=owner,
        key=key,
        place=place,
        chain=chain.key,
        asset=asset.contract,
        symbol=asset.symbol,
        address=place.address,
        amount_micros=what.amount_micros,
        fee_micros=what.fee_micros,
        units=what.units,
        requested_at=now,
        due_at=now + delay(),
        try_at=now + delay(),
    )
    movement = Movement(
        key=f"payout:{payout.pk}:withdrawal",
        code=Code.WITHDRAWAL,
        source=spendable(chart, owner.pk, Bucket.EARNED),
        target=platform(chart, Kind.PAYOUT, Bucket.EARNED),
        amount_micros=amount_micros,
        reference=f"Withdrawal {payout.pk} to {place}",
    )
    try:
        post([movement], locked=locked)
    except InsufficientCredit as error:
        raise _too_much(error.short_micros) from error
    notices.withdrawal_asked(payout, now)
    return payout


def check_withdrawal(*, owner: User, address_id: int, chain_key: str, contract: str, amount_micros: int, now: datetime) -> None:
    """What request_withdrawal would refuse now, refused; nothing is taken. Raises WithdrawalRefused."""
    _checked(owner, address_id, chain_key, contract, amount_micros, now)
    if (short_micros := amount_micros - balance_of(owner).withdrawable_micros) > 0:
        raise _too_much(short_micros)


def asked_today(owner: User, now: datetime) -> int:
    """Micros that count against the limit of a day."""
    recent = Payout.objects.filter(owner=owner, requested_at__gt=now - DAY).exclude(status__in=GIVEN_BACK)
    return recent.aggregate(total=Sum("amount_micros"))["total"] or 0


@transaction.atomic
def cancel_withdrawal(*, owner: User, payout_id: int, now: datetime) -> Payout:
    """By who asked for it, while it waits. Raises TooLate, Payout.DoesNotExist."""
    payout = Payout.objects.select_for_update().get(pk=payout_id, owner=owner)
    if payout.status not in MAY_CANCEL:
        raise TooLate(payout.status)
    move(payout, PayoutStatus.CANCELLED, moves=PAYOUT_MOVES, settled_at=now)
    give_money_back(payout)
    return payout


@transaction.atomic
def approve_withdrawal(*, operator: User, payout_id: int, now: datetime) -> Payout:
    """By an operator who is not its owner. Raises TooLate, Payout.DoesNotExist, PermissionError."""
    payout = Payout.objects.select_for_update().get(pk=payout_id)
    if payout.owner_id == operator.pk:
        raise PermissionError("nobody approves a withdrawal of their own")
    if payout.status != PayoutStatus.WAITING:
        raise TooLate(payout.status)
    move(payout, PayoutStatus.APPROVED, moves=PAYOUT_MOVES, decided_by=operator, decided_at=now, try_at=now)
    events.credit_changed([payout.owner_id])
    return payout


@transaction.atomic
def refuse_withdrawal(*, operator: User, payout_id: int, reason: str, now: datetime) -> Payout:
    """By an operator, while nothing has been signed for it; its owner reads the reason. Raises TooLate, Payout.DoesNotExist."""
    payout = Payout.objects.select_for_update().get(pk=payout_id)
    if payout.status not in MAY_REFUSE:
        raise TooLate(payout.status)
    decided = {"decided_by": operator, "decided_at": now, "reason": reason[:300], "settled_at": now}
    move(payout, PayoutStatus.REFUSED, moves=PAYOUT_MOVES, **decided)
    give_money_back(payout)
    notices.payout_moved(payout, now)
    return payout


@transaction.atomic
def release_due_withdrawals(*, now: datetime, limit: int = 500) -> int:
    """Those whose delay is over: above the limit, or of somebody in doubt, an operator decides; the rest are approved."""
    due = Payout.objects.select_for_update(skip_locked=True).filter(status=PayoutStatus.REQUESTED, due_at__lte=now)
    rows = list(due.order_by("pk")[:limit])
    for payout in rows:
        needs_operator = payout.amount_micros > settings.WITHDRAW_APPROVAL_MICROS or is_in_doubt(payout.owner)
        move(payout, PayoutStatus.WAITING if needs_operator else PayoutStatus.APPROVED, moves=PAYOUT_MOVES)
        notices.payout_moved(payout, now)
    events.credit_changed({payout.owner_id for payout in rows})
    return len(rows)


def give_money_back(payout: Payout) -> None:
    """The whole amount, to where it came from. The caller has locked the row and moved it to an end."""
    chart = chart_of([payout.owner_id])
    movement = Movement(
        key=f"payout:{payout.pk}:returned",
        code=Code.WITHDRAWAL_RETURNED,
        source=platform(chart, Kind.PAYOUT, Bucket.EARNED),
        target=spendable(chart, payout.owner_id, Bucket.EARNED),
        amount_micros=payout.amount_micros,
        reference=f"Withdrawal {payout.pk}",
    )
    post([movement])
    events.credit_grew([payout.owner_id])


def owes(owner: User) -> bool:
    """Is there money that the network has to get back from this person first?"""
    return Debt.objects.filter(owner=owner, settled_at=None).exists()


def is_in_doubt(owner: User) -> bool:
    """Do they owe, or may a payment of theirs be taken back? Then nothing of theirs goes out, whenever it was asked for."""
    return owes(owner) or Dispute.objects.filter(payment__owner=owner, status=DisputeStatus.OPEN).exists()


def _too_much(short_micros: int) -> WithdrawalRefused:
    words = f"That is {format_exact(short_micros)} credits more than you can withdraw."
    return WithdrawalRefused(Refusal.TOO_MUCH, words)


def _checked(
    owner: User, address_id: int, chain_key: str, contract: str, amount_micros: int, now: datetime
) -> tuple[PayoutAddress, Chain, Asset, Quote]:
    place = _usable(owner, address_id, now)
    chain, asset = _offered(chain_key, contract, place)
    what = quote(chain, asset, amount_micros)
    _check_limits(owner, what, now)
    return place, chain, asset, what


def _usable(owner: User, address_id: int, now: datetime) -> PayoutAddress:
    place = PayoutAddress.objects.filter(owner=owner, pk=address_id, removed_at=None).first()
    if place is None:
        raise WithdrawalRefused(Refusal.ADDRESS_GONE, "Choose one of your verified addresses.")
    if place.usable_at > now:
        hours = -(-(place.usable_at - now) // timedelta(hours=1))
        raise WithdrawalRefused(Refusal.ADDRESS_NEW, f"This address is new. It can be used in {hours} h.")
    return place


def _offered(chain_key: str, contract: str, place: PayoutAddress) -> tuple[Chain, Asset]:
    chain = chain_of(chain_key)
    asset = chain.asset(contract) if chain else None
    if not chain or not asset or not (sender := sender_of(chain)):
        raise WithdrawalRefused(Refusal.NOT_OFFERED, "Withdrawals on this network are not open at the moment.")
    if chain.kind != place.network or place.address in (sender, chain.treasury, asset.contract):
        raise WithdrawalRefused(Refusal.ADDRESS_GONE, f"Choose one of your verified addresses on {chain.name}.")
    return chain, asset


def _check_limits(owner: User, what: Quote, now: datetime) -> None:
    if owes(owner):
        raise WithdrawalRefused(Refusal.DEBT, "A payment of yours was taken back. Withdrawals open again once that is settled.")
    if is_in_doubt(owner):
        raise WithdrawalRefused(Refusal.DEBT, "A payment of yours is disputed. Withdrawals open again once that is settled.")
    left = min(settings.WITHDRAW_DAY_MAX_MICROS - asked_today(owner, now), settings.PAYOUT_MAX_MICROS)
    if what.amount_micros > left:
        words = f"You can withdraw {format_exact(max(left, 0))} credits more within 24 hours."
        raise WithdrawalRefused(Refusal.DAY_FULL, words)
