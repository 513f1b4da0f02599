"""Configuration files: each holds a token that enrols one machine's key, once."""

import hashlib
import json
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from workers import events
from workers.models import Enrolment, Worker

ENROLMENT_HOURS = 24
CONFIG = """\
# Configuration of a node of the network, for: pictor-agent run --config FILE
# It enrols one machine, once, until {expires}; keep it private.
server_url = {server_url}
worker_uid = {worker_uid}
token = {token}
name = {name}
"""


@transaction.atomic
def new_config(worker: Worker, *, now: datetime, actor=None) -> str:
    """A configuration file with a fresh one-use token, as TOML; earlier unused files stop working."""
    revoke_enrolments(worker, now=now)
    token = secrets.token_urlsafe(32)
    expires_at = now + timedelta(hours=ENROLMENT_HOURS)
    Enrolment.objects.create(worker=worker, token_sha256=digest_of(token), expires_at=expires_at)
    events.record(worker, "config", now=now, actor=actor)
    return CONFIG.format(
        name=toml(worker.name),
        server_url=toml(settings.LIVE_URL),
        worker_uid=toml(worker.uid),
        token=toml(token),
        expires=expires_at.strftime("%Y-%m-%d %H:%M UTC"),
    )


def revoke_enrolments(worker: Worker, *, now: datetime) -> int:
    """Make every unused configuration file of the node worthless."""
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
