"""What enrols one machine's key, once: a token, in a configuration file or in the command of the node's page."""

import base64
import hashlib
import json
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac

from workers import events, releases
from workers.models import Enrolment, Worker

ENROLMENT_HOURS = 24
CONFIG = """\
# Configuration of a node of the network, for: pictor-agent run --config FILE
# It enrols one machine, once, until {expires}; keep it private.
server_url = {server_url}
worker_uid = {worker_uid}
token = {token}
name = {name}
{updates}"""


@transaction.atomic
def renew_enrolment(worker: Worker, *, now: datetime, actor=None) -> Enrolment:
    """A fresh one-use token; earlier unused ones stop working."""
    revoke_enrolments(worker, now=now)
    expires_at = now + timedelta(hours=ENROLMENT_HOURS)
    enrolment = Enrolment.objects.create(worker=worker, token_sha256=secrets.token_hex(32), expires_at=expires_at)
    enrolment.token_sha256 = digest_of(token_of(enrolment))  # which the row's own number is part of
    enrolment.save(update_fields=["token_sha256"])
    events.record(worker, "config", now=now, actor=actor)
    return enrolment


def new_config(worker: Worker, *, now: datetime, actor=None) -> str:
    """A configuration file with a fresh token, as TOML."""
    enrolment = renew_enrolment(worker, now=now, actor=actor)
    return CONFIG.format(
        name=toml(worker.name),
        server_url=toml(settings.LIVE_URL),
        worker_uid=toml(worker.uid),
        token=toml(token_of(enrolment)),
        updates=update_lines(),
        expires=enrolment.expires_at.strftime("%Y-%m-%d %H:%M UTC"),
    )


def token_of(enrolment: Enrolment) -> str:
    """Computed from our own secret and never kept: the owner's page shows it as long as it opens something, the rows do not tell it."""
    known = salted_hmac("workers.enrolment", f"{enrolment.worker.uid} {enrolment.pk}", algorithm="sha256")
    return base64.urlsafe_b64encode(known.digest()).decode().rstrip("=")


def join_code(enrolment: Enrolment) -> str:
    """For `pictor-agent run --join`; empty when the secret is another by now."""
    token = token_of(enrolment)
    if digest_of(token) != enrolment.token_sha256:
        return ""
    key = releases.update_key()
    return f"{settings.LIVE_URL.rstrip('/')}/{enrolment.worker.uid}/{token}{f'/{key}' if key else ''}"


def update_lines() -> str:
    """Of a configuration file: whose releases of the agent it may believe."""
    key = releases.update_key()
    return f"update_key = {toml(key)}\n" if key else ""


def usable_enrolment(worker: Worker, *, now: datetime) -> Enrolment | None:
    """What still enrols a machine as this node."""
    usable = worker.enrolments.filter(used_at=None, revoked_at=None, expires_at__gt=now)
    return usable.select_related("worker").order_by("-pk").first()


def revoke_enrolments(worker: Worker, *, now: datetime) -> int:
    """Make every unused configuration file and command of the node worthless."""
    return worker.enrolments.filter(used_at=None, revoked_at=None).update(revoked_at=now)


def spend_token(worker: Worker, token: str, *, now: datetime) -> bool:
    """False for one that was used, revoked or is too old."""
    usable = worker.enrolments.filter(token_sha256=digest_of(token), used_at=None, revoked_at=None, expires_at__gt=now)
    return bool(token) and usable.update(used_at=now) == 1


def toml(text: str) -> str:
    """A basic string; JSON's escapes are a subset of TOML's, except that TOML forbids a bare DEL."""
    return json.dumps(text.replace("\x7f", ""), ensure_ascii=False)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
