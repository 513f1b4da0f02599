"""A look at whether books, chains and provider agree: read, written down, told to operators by the log."""

from datetime import datetime

import structlog
from django.conf import settings

from common import clock
from credit.models import Reconciliation
from credit.reconciliation import Line, Verdict, gravest
from credit.reconciling import books, chains, provider

KEPT = 100
log = structlog.get_logger(__name__)


def reconcile(*, now: datetime) -> Reconciliation:
    """Moves nothing. Nodes and provider are asked outside transactions; one that does not answer is not known, never fine."""
    last = Reconciliation.objects.first()
    lines = [*books.compare(), *chains.compare(now, settings.EVM_PAYOUT_GWEI_MAX)]
    found, asked_to = provider.compare(now, last.payments_asked_to if last else None)
    lines += found
    row = Reconciliation.objects.create(
        started_at=now,
        ended_at=clock.now(),
        verdict=gravest(lines),
        lines=[line.as_object() for line in lines],
        payments_asked_to=asked_to,
    )
    _forget()
    _tell(lines)
    return row


def _forget() -> None:
    kept = Reconciliation.objects.values_list("pk", flat=True)[:KEPT]
    Reconciliation.objects.exclude(pk__in=list(kept)).delete()


def _tell(lines: list[Line]) -> None:
    for line in lines:
        said = {"part": line.part, "subject": line.subject, "words": line.words}
        if line.verdict == Verdict.WRONG:
            log.error("books_differ", **said)
        elif line.verdict != Verdict.FINE:
            log.warning("books_to_look_at", verdict=line.verdict.value, **said)
