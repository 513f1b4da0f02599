"""Sweeps over sign-ins."""

import structlog
from celery import shared_task
from django.contrib.sessions.models import Session

from common import clock
from users import challenges, mailing, sessions

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
def sweep_used_sessions() -> int:
    """Write down when and from where sessions were last used."""
    return sessions.write_uses()


@shared_task
def sweep_wallet_challenges() -> int:
    """Forget what wallets were asked to sign, a day later."""
    return challenges.forget_old(clock.now())


@shared_task
def mail_notice(notice_id: int) -> None:
    """Send one mail at once."""
    mailing.send(notice_id, clock.now())


@shared_task
def sweep_notice_mails() -> int:
    """Send what is due: hints that were lost, and what a mail server refused before."""
    return mailing.send_due(clock.now(), limit=LIMIT)
