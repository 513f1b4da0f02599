"""What a provider announces: kept once per id, then whom it is about is asked. A lost event is found by the sweeps."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q

from credit.models import Dispute, Payment, ProviderEvent
from credit.payment_states import DisputeKind, DisputeStatus
from credit.providers import offered, provider
from credit.providers.base import ProviderRefused, ProviderUnavailable
from credit.services.disputes import open_dispute, resolve_dispute, take_returned_in_all
from credit.services.payments import refresh_payment

FAILURES_MAX = 3
GIVE_UP = timedelta(days=3)
LOOK_BACK = timedelta(days=3)  # disputes whose event never came are found for so long
log = structlog.get_logger(__name__)


def receive_event(*, provider_name: str, headers: Mapping[str, str], body: bytes, now: datetime) -> ProviderEvent | None:
    """Keep an event that the provider signed; None: it is known already.

    Raises: BadEvent, ProviderUnavailable, as PaymentProvider.read_event.
    """
    event = provider(provider_name).read_event(headers, body, now)
    try:
        with transaction.atomic():
            return ProviderEvent.objects.create(
                provider=provider_name,
                event_id=event.event_id,
                kind=event.kind,
                order_id=event.order_id,
                capture_id=event.capture_id,
                dispute_id=event.dispute_id,
                reversal_id=event.reversal_id,
                reversed_micros=event.reversed_micros,
                sent_at=event.sent_at,
                received_at=now,
            )
    except IntegrityError:
        return None


def handle_event(*, event_id: int, now: datetime) -> None:
    """Ask about what an event names and apply the answer. Raises ProviderUnavailable: a sweep tries again."""
    event = ProviderEvent.objects.get(pk=event_id)
    if event.handled_at:
        return
    try:
        outcome = _handle(event, now)
    except ProviderRefused as refused:
        outcome = f"refused: {refused.issue}"
    ProviderEvent.objects.filter(pk=event.pk).update(handled_at=now, outcome=outcome[:200])


def _handle(event: ProviderEvent, now: datetime) -> str:
    if event.dispute_id:
        return refresh_dispute(provider_name=event.provider, dispute_id=event.dispute_id, now=now)
    payment = _payment_of(event)
    if payment is None:
        return "no payment of ours"
    payment = refresh_payment(payment_id=payment.pk, now=now)
    if event.reversal_id and not event.reversed_micros:
        log.error("reversal_without_amount", provider_event=event.pk, payment=str(payment.pk))
    return "reversed" if take_reversals(payment_id=payment.pk, now=now) else payment.status


def _payment_of(event: ProviderEvent) -> Payment | None:
    by_capture, by_order = Q(capture_id=event.capture_id), Q(order_id=event.order_id)
    if event.capture_id and (found := Payment.objects.filter(by_capture, provider=event.provider).first()):
        return found
    return Payment.objects.filter(by_order, provider=event.provider).first() if event.order_id else None


def take_reversals(*, payment_id, now: datetime) -> bool:
    """Of all that banks took back so far, what no dispute or refund accounts for; False: nothing.

    The provider's signed word counts here, for no order shows it. Money that is in an open dispute waits for its end.
    """
    payment = Payment.objects.get(pk=payment_id)
    named = Q(capture_id=payment.capture_id) | Q(order_id=payment.order_id)
    events = ProviderEvent.objects.filter(named, provider=payment.provider, reversed_micros__gt=0).exclude(reversal_id="")
    rows = events.order_by("id").values_list("reversal_id", "reversed_micros")
    reversed_micros = {reversal_id: micros or 0 for reversal_id, micros in rows}  # each reversal once
    if payment.capture_id is None or not reversed_micros:
        return False
    total = sum(reversed_micros.values())
    return take_returned_in_all(payment_id=payment_id, returned_micros=total, kind=DisputeKind.REVERSAL, now=now)


def refresh_dispute(*, provider_name: str, dispute_id: str, now: datetime) -> str:
    """Bring a dispute to what the provider says; returns words. Raises ProviderUnavailable, ProviderRefused."""
    view = provider(provider_name).dispute(dispute_id)
    payment = Payment.objects.filter(provider=provider_name, capture_id=view.capture_id).first() if view.capture_id else None
    if payment is None:
        return "no payment of ours"
    dispute = open_dispute(
        payment_id=payment.pk,
        key=f"{provider_name}:{dispute_id}",
        kind=DisputeKind.DISPUTE,
        credit_micros=payment.credit_of(view.amount_micros or payment.total_micros),
        now=now,
    )
    if dispute is None:
        return "nothing was credited"
    if view.state == "unclear":
        log.error("dispute_outcome_unknown", dispute=dispute.key)
    if view.state != "resolved":
        return view.state
    lost = (payment.total_micros if view.lost_micros is None else view.lost_micros) if view.lost else 0
    status = resolve_dispute(dispute_id=dispute.pk, lost_micros=payment.credit_of(lost), now=now).status
    take_reversals(payment_id=payment.pk, now=now)  # what went back in another way was in the dispute until now
    if status == DisputeStatus.WON:
        refresh_payment(payment_id=payment.pk, now=now)
    return status


def sweep_provider_events(*, now: datetime, limit: int = 50) -> int:
    """Events that could not be handled when they came; returns how many were tried."""
    waiting = ProviderEvent.objects.filter(handled_at=None)
    waiting.filter(received_at__lt=now - GIVE_UP).update(handled_at=now, outcome="given up")
    ids, failures = list(waiting.order_by("received_at").values_list("pk", flat=True)[:limit]), 0
    for event_id in ids:
        try:
            handle_event(event_id=event_id, now=now)
        except (ProviderUnavailable, LookupError) as error:
            log.warning("event_not_handled", provider_event=event_id, error=str(error))
            failures += 1
            if failures == FAILURES_MAX:
                break  # the next one would not be answered either
    return len(ids)


def sweep_disputes(*, now: datetime) -> int:
    """Ask about disputes that changed lately, and about open ones; returns how many."""
    asked = 0
    for name in offered():
        try:
            ids = set(provider(name).disputes_since(now - LOOK_BACK)) | _open_disputes(name)
            for dispute_id in sorted(ids - _ended_disputes(name, ids)):
                refresh_dispute(provider_name=name, dispute_id=dispute_id, now=now)
                asked += 1
        except (ProviderUnavailable, ProviderRefused) as error:
            log.warning("disputes_not_asked", provider=name, error=str(error))
    return asked


def _open_disputes(name: str) -> set[str]:
    rows = Dispute.objects.filter(kind=DisputeKind.DISPUTE, status=DisputeStatus.OPEN, payment__provider=name)
    return {key.removeprefix(f"{name}:") for key in rows.order_by("pk").values_list("key", flat=True)[:50]}


def _ended_disputes(name: str, ids: set[str]) -> set[str]:
    rows = Dispute.objects.filter(key__in=[f"{name}:{each}" for each in ids]).exclude(status=DisputeStatus.OPEN)
    return {key.removeprefix(f"{name}:") for key in rows.values_list("key", flat=True)}
