"""Sends what users.notices ordered. A mail may come twice after a crash; it is never lost to one."""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse

from users.models import SecurityEvent

log = structlog.get_logger(__name__)

RETRY_FIRST, RETRY_MAX = timedelta(minutes=2), timedelta(hours=6)
GIVEN_UP = timedelta(days=7)  # nobody is helped by older news


def send_due(now: datetime, *, limit: int) -> int:
    """Everything that is due; returns how many were sent."""
    due = SecurityEvent.objects.filter(mail_due_at__lte=now).order_by("mail_due_at").values_list("pk", flat=True)
    return sum(send(pk, now) for pk in list(due[:limit]))


def send(event_id: int, now: datetime) -> bool:
    """Send one, unless somebody else does. A server that does not answer is asked again later."""
    event = _claimed(event_id, now)
    if event is None:
        return False
    try:
        _message(event).send()
    except (OSError, ValueError) as error:  # SMTPException is an OSError; an address or subject that is none, a ValueError
        _failed(event, now, error)
        return False
    SecurityEvent.objects.filter(pk=event.pk).update(mailed_at=now, mail_due_at=None)
    return True


def _claimed(event_id: int, now: datetime) -> SecurityEvent | None:
    """The event, its next try put off: of two that come at once one gets it."""
    due = SecurityEvent.objects.filter(pk=event_id, mail_due_at__lte=now)
    event = due.select_related("user").first()
    if event is None:
        return None
    later = now + min(RETRY_MAX, RETRY_FIRST * 2 ** min(event.mail_tries, 10))
    is_mine = due.filter(mail_tries=event.mail_tries).update(mail_due_at=later, mail_tries=F("mail_tries") + 1)
    return event if is_mine else None


def _failed(event: SecurityEvent, now: datetime, error: Exception) -> None:
    log.warning("security_mail_failed", event_id=event.pk, tries=event.mail_tries + 1, error=str(error))
    if now - event.at > GIVEN_UP:
        SecurityEvent.objects.filter(pk=event.pk).update(mail_due_at=None)
        log.error("security_mail_given_up", event_id=event.pk)


def _message(event: SecurityEvent) -> EmailMultiAlternatives:
    context = {"event": event, "site_name": settings.SITE_NAME, "url": settings.SITE_URL + reverse("users:security")}
    subject = f"{settings.SITE_NAME}: {event.words}"
    mail = EmailMultiAlternatives(subject[:150], render_to_string("users/mail/notice.txt", context), to=[event.mail_to])
    mail.attach_alternative(render_to_string("users/mail/notice.html", context), "text/html")
    return mail
