"""Top-ups through a payment provider: opened, asked about, credited once. The provider's answer is the truth, never its hint.

Every question to a provider is asked outside a transaction; what it answered is then applied to the locked row.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from common.money import MICROS
from common.transitions import move
from credit import events, notices
from credit.codes import Bucket, Code, Kind
from credit.fees import CENT_MICROS, Fee
from credit.models import Account, Payment, Transfer
from credit.payment_states import PAYMENT_MOVES, SETTLED, PaymentStatus
from credit.posting import Movement, platform, post, spendable
from credit.providers import offered, provider
from credit.providers.base import CURRENCY, Capture, Order, ProviderRefused
from credit.providers.patience import ask_each
from credit.services.disputes import collect_debts, take_refunds
from credit.services.locks import lock_open_user, lock_wallet

MAXIMUM_MICROS = 10_000 * MICROS
APPROVE_WITHIN = timedelta(hours=6)  # PayPal forgets an unapproved order sooner
START_WITHIN = timedelta(minutes=10)
ASK_SOONEST, ASK_LATEST, ASK_CREDITED = timedelta(seconds=30), timedelta(hours=1), timedelta(days=1)
CLOSED = "the account was closed meanwhile"
log = structlog.get_logger(__name__)


def fee() -> Fee:
    """What a payer adds, by the settings."""
    return Fee(settings.PAYPAL_FEE_BP, settings.PAYPAL_FEE_CENTS * CENT_MICROS)


def start_payment(*, owner, provider_name: str, amount_micros: int, form_key: str, now: datetime) -> Payment:
    """The payment of one form, with the fee of this moment; the same form starts it once."""
    assert settings.TOP_UP_MINIMUM_MICROS <= amount_micros <= MAXIMUM_MICROS, "the form has bounds"
    assert amount_micros % CENT_MICROS == 0, "whole cents"
    payment, _ = Payment.objects.get_or_create(
        owner=owner,
        form_key=form_key,
        defaults={
            "provider": provider_name,
            "amount_micros": amount_micros,
            "fee_micros": fee().of(amount_micros),
            "opened_at": now,
            "ask_at": now,
        },
    )
    return payment


def open_checkout(*, payment_id, return_url: str, cancel_url: str) -> Payment:
    """Have the provider open a checkout, unless it has; the payment then says where to approve it.

    Raises ProviderUnavailable: nothing is known; calling again opens the same checkout.
    """
    payment = Payment.objects.get(pk=payment_id)
    if payment.status != PaymentStatus.STARTING:
        return payment
    try:
        checkout = provider(payment.provider).open_checkout(
            reference=str(payment.pk),
            total_micros=payment.total_micros,
            amount_micros=payment.amount_micros,
            return_url=return_url,
            cancel_url=cancel_url,
        )
    except ProviderRefused as refused:
        issue = refused.issue[:200]
        return _apply(payment_id, lambda row: _to(row, PaymentStatus.FAILED, reason=issue))
    opened = {"order_id": checkout.order_id, "approve_url": checkout.approve_url}
    return _apply(payment_id, lambda row: _to(row, PaymentStatus.AWAITING, **opened))


def cancel_payment(*, payment_id) -> Payment:
    """The payer came back without approving. Approving it in another tab still counts."""

    def cancel(row: Payment) -> None:
        if row.status == PaymentStatus.AWAITING:
            _to(row, PaymentStatus.CANCELLED)

    return _apply(payment_id, cancel)


def refresh_payment(*, payment_id, now: datetime) -> Payment:
    """Ask the provider, collect what was approved, and apply what it says then. Raises ProviderUnavailable.

    What was approved for an account that is closed by now is not collected: the provider lets its payer's money go.
    """
    payment = Payment.objects.select_related("owner").get(pk=payment_id)
    if payment.order_id is None or (payment.status in SETTLED and payment.status != PaymentStatus.CREDITED):
        return payment
    issue = ""
    asked = provider(payment.provider)
    try:
        order = asked.order(payment.order_id)
        if order.state == "approved" and payment.owner.closed_at:
            return _apply(payment_id, lambda row: _to(row, PaymentStatus.DENIED, reason=CLOSED))
        if order.state == "approved" and str(payment.pk) == order.reference:
            _apply(payment_id, lambda row: _to(row, PaymentStatus.CAPTURING))
            issue = _capture(asked, order, payment)
            order = asked.order(payment.order_id)
    except ProviderRefused as refused:  # an order that was never approved is forgotten after hours
        issue = refused.issue[:200]
        return _apply(payment_id, lambda row: _refused(row, issue, now))
    return apply_order(payment_id=payment_id, order=order, issue=issue, now=now)


def _capture(asked, order: Order, payment: Payment) -> str:
    """Collect an approved order; why not, in the provider's word. Its answer is read from the order afterwards."""
    try:
        asked.capture(order.order_id, reference=f"{payment.pk}-{len(order.captures)}")
    except ProviderRefused as refused:
        return refused.issue[:200]
    return ""


def apply_order(*, payment_id, order: Order, issue: str = "", now: datetime) -> Payment:
    """Bring a payment to what its order says; then debts are paid, and money that went back is taken."""
    payment = _apply(payment_id, lambda row: _follow_and_tell(row, order, issue, now))
    if payment.status == PaymentStatus.CREDITED:
        collect_debts(owner_id=payment.owner_id, now=now)
        take_refunds(payment_id=payment.pk, returned_micros=order.returned_micros, now=now)
    return payment


@transaction.atomic
def _apply(payment_id, change: Callable[[Payment], None]) -> Payment:
    """Change a locked payment and tell its owner's pages."""
    payment = Payment.objects.select_for_update().get(pk=payment_id)
    before = payment.status
    change(payment)
    if payment.status != before:
        log.info("payment_moved", payment=str(payment.pk), status=payment.status, reason=payment.reason)
        events.credit_changed([payment.owner_id])
    return payment


def _to(payment: Payment, status: PaymentStatus, **changes) -> None:
    """Move a locked payment; what its status does not allow any more is old news."""
    if payment.status == status or status in PAYMENT_MOVES[PaymentStatus(payment.status)]:
        if payment.status != status:
            move(payment, status, moves=PAYMENT_MOVES, **changes)
        elif changes:
            Payment.objects.filter(pk=payment.pk).update(**changes)


def _follow_and_tell(payment: Payment, order: Order, issue: str, now: datetime) -> None:
    before = payment.status
    _follow(payment, order, issue, now)
    if payment.status != before:
        notices.payment_moved(payment, now)


def _follow(payment: Payment, order: Order, issue: str, now: datetime) -> None:
    """What an order means for its locked payment."""
    _ask_again(payment, now)
    completed = [each for each in order.captures if each.state == "completed"]
    if payment.status in SETTLED:
        return
    if wrong := _what_is_wrong(payment, order, completed):
        log.error("payment_mismatched", payment=str(payment.pk), wrong=wrong)
        _to(payment, PaymentStatus.MISMATCHED, reason=wrong[:200], capture_id=None)
    elif completed:
        _credit(payment, completed[0], now)
    elif waiting := [each for each in order.captures if each.state == "pending"]:
        _to(payment, PaymentStatus.PENDING, reason=waiting[-1].reason, capture_id=waiting[-1].capture_id)
    elif order.state == "approved":
        if issue:
            _to(payment, PaymentStatus.DENIED, reason=issue)
    elif order.captures:
        _to(payment, PaymentStatus.DENIED, reason=order.captures[-1].reason or issue, capture_id=None)
    elif order.state == "gone" or now - payment.opened_at > APPROVE_WITHIN:
        _to(payment, PaymentStatus.EXPIRED)
    elif payment.status == PaymentStatus.CAPTURING:
        _to(payment, PaymentStatus.AWAITING)


def _what_is_wrong(payment: Payment, order: Order, completed: list[Capture]) -> str:
    """Why collected money must not be credited by itself; empty: nothing."""
    if not completed:
        return ""
    if order.reference != str(payment.pk) or order.order_id != payment.order_id:
        return "the order is of another payment"
    if len(completed) > 1:
        return f"{len(completed)} captures"
    (capture,) = completed
    if Payment.objects.filter(capture_id=capture.capture_id).exclude(pk=payment.pk).exists():
        return f"capture {capture.capture_id} paid another payment"
    if (capture.currency, capture.amount_micros) != (CURRENCY, payment.total_micros):
        return f"capture {capture.capture_id}: {capture.amount_micros} micros of {capture.currency[:8]} were collected"
    return "" if lock_open_user(payment.owner_id) else CLOSED


def _refused(payment: Payment, issue: str, now: datetime) -> None:
    """The provider does not know the order (any more)."""
    _ask_again(payment, now)
    if payment.status in {PaymentStatus.AWAITING, PaymentStatus.CANCELLED, PaymentStatus.CAPTURING}:
        _to(payment, PaymentStatus.EXPIRED, reason=issue)


def _ask_again(payment: Payment, now: datetime) -> None:
    """When the sweep asks next: often at first; a credited one daily, for refunds whose event never came."""
    later = ASK_CREDITED if payment.status == PaymentStatus.CREDITED else _patience(payment, now)
    Payment.objects.filter(pk=payment.pk).update(ask_at=now + later)


def _patience(payment: Payment, now: datetime) -> timedelta:
    """The older, the less is it asked about."""
    return min(max((now - payment.opened_at) // 4, ASK_SOONEST), ASK_LATEST)


def _credit(payment: Payment, capture: Capture, now: datetime) -> None:
    """Add the credit, once per capture, and remember until when it may be charged back."""
    clears_at = now + timedelta(days=settings.PAYPAL_CHARGEBACK_DAYS)
    transfer = _post_credit(payment, capture, clears_at)
    _to(
        payment,
        PaymentStatus.CREDITED,
        reason="",
        capture_id=capture.capture_id,
        transfer=transfer,
        provider_fee_micros=capture.provider_fee_micros,
        credited_at=now,
        clears_at=clears_at,
        ask_at=now + ASK_CREDITED,
    )
    events.credit_grew([payment.owner_id])


def _post_credit(payment: Payment, capture: Capture, clears_at: datetime) -> Transfer:
    chart, locked = lock_wallet(payment.owner_id)
    target = spendable(chart, payment.owner_id, Bucket.PURCHASED)
    movement = Movement(
        key=f"{payment.provider}:capture:{capture.capture_id}",
        code=Code.TOP_UP,
        source=platform(chart, Kind.PROVIDER, Bucket.PURCHASED),
        target=target,
        amount_micros=payment.amount_micros,
        reference=f"PayPal payment {str(payment.pk)[:8]}",
    )
    (transfer,) = post([movement], locked=locked)
    Account.objects.filter(pk=target.pk).update(clears_at=Greatest(F("clears_at"), clears_at))
    return transfer


def sweep_payments(*, now: datetime, limit: int = 50) -> int:
    """Ask about payments whose return or event never came, and daily about credited ones; returns how many."""
    _give_up_starting(now)
    asked = 0
    for name in offered():
        due = Payment.objects.filter(provider=name, ask_at__lte=now)
        open_ones = due.filter(status__in=[PaymentStatus.AWAITING, PaymentStatus.CAPTURING, PaymentStatus.PENDING])
        credited = due.filter(status=PaymentStatus.CREDITED, clears_at__gt=now)
        rows = [payment for each in (open_ones, credited) for payment in each.order_by("ask_at")[:limit]]
        asked += ask_each(name, rows, partial(_ask_in_turn, now=now))
    return asked


def _ask_in_turn(payment: Payment, now: datetime) -> None:
    """Put back first: one that is not answered comes after the others next time."""
    Payment.objects.filter(pk=payment.pk).update(ask_at=now + _patience(payment, now))
    refresh_payment(payment_id=payment.pk, now=now)


def _give_up_starting(now: datetime) -> None:
    """Nobody was sent to approve these: the provider never answered."""
    stale = Payment.objects.filter(status=PaymentStatus.STARTING, opened_at__lt=now - START_WITHIN)
    for payment_id in stale.values_list("pk", flat=True)[:100]:
        _apply(payment_id, lambda row: _to(row, PaymentStatus.FAILED, reason="no answer"))
