"""Payments of the last days asked again at their provider. A bounded number each time; the next look goes on with later ones."""

from datetime import datetime, timedelta

from django.db.models import Q, Sum

from credit.models import Payment
from credit.payment_states import CHECKOUT_OPEN, DisputeStatus, PaymentStatus
from credit.providers import provider
from credit.providers.base import CURRENCY, Order, ProviderRefused, ProviderUnavailable
from credit.reconciliation import Booked, Collected, Line, Verdict, difference_of_payment

LOOK_BACK = timedelta(days=7)
ASKED_MAX = 50
SUBJECT = "Payments by PayPal"


def compare(now: datetime, asked_to: datetime | None) -> tuple[list[Line], datetime | None]:
    """What differs, and from where the next look goes on; None: from the first."""
    after = max(filter(None, [asked_to, now - LOOK_BACK]))
    due = Payment.objects.filter(opened_at__gt=after).exclude(order_id=None).exclude(status__in=CHECKOUT_OPEN)
    kept = Sum("disputes__amount_micros", filter=~Q(disputes__status=DisputeStatus.WON))
    payments = list(due.annotate(returned=kept).order_by("opened_at")[:ASKED_MAX])
    lines: list[Line] = []
    for asked, payment in enumerate(payments):
        try:
            lines += _compare(payment)
        except (ProviderUnavailable, LookupError) as error:
            words = f"{asked} of {len(payments)} payments could be asked about: {error}"
            return [*lines, Line("provider", SUBJECT, Verdict.UNKNOWN, words[:300])], asked_to
    differ = f"{len(lines)} differ" if lines else "all agree"
    if payments:
        words = f"{len(payments)} of the last {LOOK_BACK.days} days were asked about again, {differ}."
        lines.append(Line("provider", SUBJECT, Verdict.FINE, words))
    return lines, payments[-1].opened_at if len(payments) == ASKED_MAX else None


def _compare(payment: Payment) -> list[Line]:
    subject = f"Payment {str(payment.pk)[:8]} of {payment.owner_id}"
    try:
        order = provider(payment.provider).order(payment.order_id or "")
    except ProviderRefused as refused:
        if payment.status != PaymentStatus.CREDITED:
            return []  # an order that nobody paid is forgotten
        return [Line("provider", subject, Verdict.LOOK, f"Credited, and the provider does not know it: {refused.issue}"[:300])]
    difference = difference_of_payment(_booked(payment), _collected(payment, order), CURRENCY)
    return [Line("provider", subject, Verdict.WRONG, f"{difference[:1].upper()}{difference[1:]}.")] if difference else []


def _booked(payment) -> Booked:
    return Booked(
        capture_id=payment.capture_id or "",
        total_micros=payment.total_micros,
        amount_micros=payment.amount_micros,
        credited=payment.status == PaymentStatus.CREDITED,
        returned_micros=payment.returned or 0,
    )


def _collected(payment: Payment, order: Order) -> Collected:
    captures = [(each.capture_id, each.currency, each.amount_micros) for each in order.captures if each.state == "completed"]
    returned = order.returned_micros
    return Collected(tuple(captures), returned, payment.credit_of(returned) if returned else 0)
