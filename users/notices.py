"""What a person is told about the safety of the account: on its page always, by mail unless not wanted."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from celery import current_app
from django.db import transaction
from django.http import HttpRequest
from kombu.exceptions import OperationalError

from common.limits import visitor_ip
from users.models import SecurityEvent, User
from users.sessions import browser_of

log = structlog.get_logger(__name__)

MAIL = "users.background.mail_security_event"


@dataclass(frozen=True)
class Kind:
    """A kind of notice. What could be an intruder's first step is mailed whether it is wanted or not."""

    key: str
    words: str
    help: str
    may_be_muted: bool


KINDS = {
    kind.key: kind
    for kind in [
        Kind("methods", "Ways to sign in", "Something was linked or unlinked.", False),
        Kind("mfa", "Second step", "An app, a passkey or recovery codes were added, removed or made anew.", False),
        Kind("payout", "Payout address", "Money will go to a new address.", False),
        Kind("account", "The account itself", "It was closed, or its data was taken away.", False),
        Kind("sign_in", "New browser", "You signed in with a browser that was not seen before.", True),
        Kind("keys", "Keys and tokens", "An SSH key or an API token was added, removed or revoked.", True),
    ]
}


def tell(*, user: User, kind: str, words: str, now: datetime, request: HttpRequest | None = None) -> SecurityEvent:
    """Keep what happened, and order the mail; inside a transaction both stand or fall with it.

    Args:
        kind: a key of KINDS.
        words: one sentence, in the past, without the person's name: "An Aptos wallet was linked (0x12…ab)."
        request: by whom, where known.
    """
    to = "" if kind in user.muted and KINDS[kind].may_be_muted else user.email
    event = SecurityEvent.objects.create(
        user=user,
        kind=kind,
        words=words[:300],
        ip=visitor_ip(request) if request else None,
        browser=browser_of(request.META.get("HTTP_USER_AGENT", "")) if request else "",
        at=now,
        mail_to=to,
        mail_due_at=now if to else None,
    )
    if to:
        transaction.on_commit(partial(_hint, event.pk))
    return event


def _hint(event_id: int) -> None:
    """A lost hint is no lost mail: the sweep looks for what is due."""
    try:
        current_app.send_task(MAIL, args=[event_id], retry=False)
    except (OperationalError, OSError) as error:
        log.warning("hint_lost", function=MAIL, error=str(error))
