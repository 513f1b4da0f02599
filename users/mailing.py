"""Sends what users.notices ordered. A mail may come twice after a crash; it is never lost to one."""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core import signing
from django.core.mail import EmailMultiAlternatives
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse

from users.models import Notice, User
from users.notice_kinds import Kind, kinds, safety_kinds

log = structlog.get_logger(__name__)

RETRY_FIRST, RETRY_MAX = timedelta(minutes=2), timedelta(hours=6)
GIVEN_UP = timedelta(days=7)  # nobody is helped by older news
MUTE = "users.mute"


def send_due(now: datetime, *, limit: int) -> int:
    """Everything that is due; returns how many were sent."""
    due = Notice.objects.filter(mail_due_at__lte=now).order_by("mail_due_at").values_list("pk", flat=True)
    return sum(send(pk, now) for pk in list(due[:limit]))


def send(notice_id: int, now: datetime) -> bool:
    """Send one, unless somebody else does. A server that does not answer is asked again later."""
    notice = _claimed(notice_id, now)
    if notice is None:
        return False
    try:
        _message(notice).send()
    except (OSError, ValueError) as error:  # SMTPException is an OSError; an address or subject that is none, a ValueError
        _failed(notice, now, error)
        return False
    Notice.objects.filter(pk=notice.pk).update(mailed_at=now, mail_due_at=None)
    return True


def _claimed(notice_id: int, now: datetime) -> Notice | None:
    """The notice, its next try put off: of two that come at once one gets it."""
    due = Notice.objects.filter(pk=notice_id, mail_due_at__lte=now)
    notice = due.select_related("user").first()
    if notice is None:
        return None
    later = now + min(RETRY_MAX, RETRY_FIRST * 2 ** min(notice.mail_tries, 10))
    is_mine = due.filter(mail_tries=notice.mail_tries).update(mail_due_at=later, mail_tries=F("mail_tries") + 1)
    return notice if is_mine else None


def _failed(notice: Notice, now: datetime, error: Exception) -> None:
    log.warning("notice_mail_failed", notice_id=notice.pk, tries=notice.mail_tries + 1, error=str(error))
    if now - notice.at > GIVEN_UP:
        Notice.objects.filter(pk=notice.pk).update(mail_due_at=None)
        log.error("notice_mail_given_up", notice_id=notice.pk)


def _message(notice: Notice) -> EmailMultiAlternatives:
    """About safety it says what to do if that was somebody else; about the rest, how to hear less."""
    is_safety = notice.kind in safety_kinds()
    context = {
        "notice": notice,
        "site_name": settings.SITE_NAME,
        "is_safety": is_safety,
        "url": settings.SITE_URL + (reverse("users:security") if is_safety else notice.url),
        "settings_url": settings.SITE_URL + reverse("users:notices-wanted"),
    }
    subject = f"{settings.SITE_NAME}: {notice.words}"
    mail = EmailMultiAlternatives(subject[:150], render_to_string("users/mail/notice.txt", context), to=[notice.mail_to])
    mail.attach_alternative(render_to_string("users/mail/notice.html", context), "text/html")
    if not kinds()[notice.kind].is_always:
        mail.extra_headers |= unsubscribe_headers(notice.user, notice.kind)
    return mail


def unsubscribe_headers(user: User, kind: str) -> dict[str, str]:
    """Mail programs show a button for it (RFC 8058); the address itself says who wants no more of what."""
    url = settings.SITE_URL + reverse("users:mute", args=[mute_token(user, kind)])
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def mute_token(user: User, kind: str) -> str:
    return signing.dumps([user.pk, kind], salt=MUTE)


def muted_by(token: str) -> Kind | None:
    """The kind whose mails this token stops. None: it is no such token, or must be told."""
    return _meant(token)[1]


def mute(token: str) -> None:
    """Stop those mails. Repeating it changes nothing."""
    user, kind = _meant(token)
    if user and kind and kind.key not in user.muted:
        user.muted = [*user.muted, kind.key]
        user.save(update_fields=["muted"])


def _meant(token: str) -> tuple[User | None, Kind | None]:
    try:
        user_id, key = signing.loads(token, salt=MUTE)
    except signing.BadSignature:
        return None, None
    kind, user = kinds().get(key), User.objects.filter(pk=user_id, closed_at=None).first()
    return (user, kind) if user and kind and not kind.is_always else (None, None)
