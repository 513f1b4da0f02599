"""What a provider announces: kept once per id, then whom it is about is asked. A lost event is found by the sweeps."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q

from credit.models import Dispute, Payment, ProviderEvent
from credit.payment_states import DisputeKind, DisputeStatus
from credit.providers import offered, provider
from credit.providers.base import ProviderRefused
from credit.providers.patience import ask_each
from credit.services.disputes import open_dispute, resolve_dispute, take_returned_in_all
from credit.services.payments import refresh_payment

GIVE_UP = timedelta(days=3)
TRY_SOONEST, TRY_LATEST = timedelta(seconds=30), timedelta(hours=1)
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
                try_at=now,
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
    tried = 0
    for name in offered():
        due = waiting.filter(provider=name, try_at__lte=now).order_by("try_at")[:limit]
        tried += ask_each(name, list(due), partial(_try_in_turn, now=now))
    return tried


def _try_in_turn(event: ProviderEvent, now: datetime) -> None:
    """Put back first: one that cannot be handled comes after the others next time, and later each time."""
    later = min(max((now - event.received_at) // 4, TRY_SOONEST), TRY_LATEST)
    ProviderEvent.objects.filter(pk=event.pk).update(try_at=now + later)
    handle_event(event_id=event.pk, now=now)


def sweep_disputes(*, now: datetime) -> int:
    """Ask about disputes that changed lately, and about open ones; returns how many."""
    asked = 0
    for name in offered():
        ids = _changed_disputes(name, now) | _open_disputes(name)
        ask = partial(_ask_about_dispute, name, now=now)
        asked += ask_each(name, sorted(ids - _ended_disputes(name, ids)), ask)
    return asked


def _ask_about_dispute(name: str, dispute_id: str, now: datetime) -> None:
    refresh_dispute(provider_name=name, dispute_id=dispute_id, now=now)


def _changed_disputes(name: str, now: datetime) -> set[str]:
    """Those that the provider lists; none where it does not answer, for open ones are asked about all the same."""
    found: set[str] = set()
    ask_each(name, [now - LOOK_BACK], lambda since: found.update(provider(name).disputes_since(since)))
    return found


def _open_disputes(name: str) -> set[str]:
    rows = Dispute.objects.filter(kind=DisputeKind.DISPUTE, status=DisputeStatus.OPEN, payment__provider=name)
    return {key.removeprefix(f"{name}:") for key in rows.order_by("pk").values_list("key", flat=True)[:50]}


def _ended_disputes(name: str, ids: set[str]) -> set[str]:
    rows = Dispute.objects.filter(key__in=[f"{name}:{each}" for each in ids]).exclude(status=DisputeStatus.OPEN)
    return {key.removeprefix(f"{name}:") for key in rows.values_list("key", flat=True)}
