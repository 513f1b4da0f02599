"""Sweeps over sign-ins."""

import structlog
from celery import shared_task
from django.contrib.sessions.models import Session

from common import clock
from users import challenges

LIMIT = 1_000

log = structlog.get_logger(__name__)


@shared_task
def sweep_ended_sessions() -> int:
    """Delete sessions whose time is over; each one's sockets close with it."""
    ended = Session.objects.filter(expire_date__lt=clock.now()).order_by("expire_date")[:LIMIT]
    for session in ended:
        session.delete()
    if ended:
        log.info("sessions_ended", count=len(ended))
    return len(ended)


@shared_task
def sweep_wallet_challenges() -> int:
    """Forget what wallets were asked to sign, a day later."""
    return challenges.forget_old(clock.now())
