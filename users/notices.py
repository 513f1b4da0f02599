"""People are told what happened: on the page and by mail, each kind by the ways that they want it."""

from datetime import datetime
from functools import partial

import structlog
from celery import current_app
from django.db import transaction
from django.http import HttpRequest
from kombu.exceptions import OperationalError

from common.limits import visitor_ip
from common.realtime import announce_on_commit
from users.models import Notice, User
from users.notice_kinds import kinds
from users.sessions import browser_of

log = structlog.get_logger(__name__)

MAIL = "users.background.mail_notice"
TEXT_LENGTH_MAX = 2_000


def is_mailed(user: User, kind: str) -> bool:
    """Whether this person wants the kind by mail, and has an address."""
    return bool(user.email) and (kinds()[kind].is_always or kind not in user.muted)


def is_listed(user: User, kind: str) -> bool:
    """Whether this person wants the kind on the page."""
    return kinds()[kind].is_always or kind not in user.unlisted


def tell(
    *,
    user: User,
    kind: str,
    words: str,
    now: datetime,
    text: str = "",
    url: str = "",
    by_mail: bool = True,
    request: HttpRequest | None = None,
) -> Notice | None:
    """Keep what happened, and order the mail; inside a transaction both stand or fall with it.

    Args:
        kind: a key of users.notice_kinds.kinds().
        words: one sentence, in the past, without the person's name: "An Aptos wallet was linked (0x12…ab)."
        text: what it means for the person, and what they can do.
        url: of a page of this site, without the host.
        by_mail: False where the caller mails by itself.
        request: by whom, where known.

    Returns:
        The notice; None where it is wanted in no way, or the account is closed.
    """
    to = user.email if by_mail and is_mailed(user, kind) else ""
    listed = is_listed(user, kind)
    if user.closed_at or not (to or listed):
        return None
    notice = _write(to, user=user, kind=kind, words=words, text=text, url=url, now=now, listed=listed, request=request)
    if listed:
        announce_on_commit(f"user:{user.pk}", "notices")
    return notice


def write_to(address: str, *, user: User, kind: str, words: str, text: str, now: datetime, request: HttpRequest) -> Notice:
    """A mail to an address that is not the account's (yet); no page lists it."""
    return _write(address, user=user, kind=kind, words=words, text=text, url="", now=now, listed=False, request=request)


def _write(
    to: str,
    *,
    user: User,
    kind: str,
    words: str,
    text: str,
    url: str,
    now: datetime,
    listed: bool,
    request: HttpRequest | None,
) -> Notice:
    notice = Notice.objects.create(
        user=user,
        kind=kind,
        words=words[:300],
        text=text[:TEXT_LENGTH_MAX],
        url=url,
        ip=visitor_ip(request) if request else None,
        browser=browser_of(request.META.get("HTTP_USER_AGENT", "")) if request else "",
        at=now,
        is_listed=listed,
        mail_to=to,
        mail_due_at=now if to else None,
    )
    if to:
        transaction.on_commit(partial(_hint, notice.pk))
    return notice


def see(user: User, now: datetime, *, pk: int | None = None) -> None:
    """This person has read one of them, or all."""
    unseen = Notice.objects.unseen_by(user.pk)
    if (unseen.filter(pk=pk) if pk else unseen).update(seen_at=now):
        announce_on_commit(f"user:{user.pk}", "notices")


def _hint(notice_id: int) -> None:
    """A lost hint is no lost mail: the sweep looks for what is due."""
    try:
        current_app.send_task(MAIL, args=[notice_id], retry=False)
    except (OperationalError, OSError) as error:
        log.warning("hint_lost", function=MAIL, error=str(error))
