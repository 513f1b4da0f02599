"""API tokens: made, found and taken back. `pictor_` lets scanners of public code know one; its end proves that it is whole."""

import hashlib
import secrets
import string
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from users.models import ApiToken, User

PREFIX = "pictor_"
LETTERS = string.digits + string.ascii_letters
RANDOM_LENGTH = 32  # 190 bits
CHECK_LENGTH = 6
USE_NOTED = timedelta(minutes=1)  # last use is not written more often
PER_PERSON_MAX = 50

SCOPES = {
    "account:read": "Read who you are: your name, when you joined, your time zone",
    "email:read": "Read your e-mail address",
}


@dataclass(frozen=True)
class NewToken:
    """`secret` is shown once."""

    row: ApiToken
    secret: str


def make(*, user: User, name: str, scopes: list[str], expires_at: datetime | None, now: datetime) -> NewToken:
    """A new token. `scopes` are keys of SCOPES."""
    body = "".join(secrets.choice(LETTERS) for _ in range(RANDOM_LENGTH))
    secret = PREFIX + body + check_of(body)
    row = ApiToken.objects.create(
        user=user,
        name=name,
        start=secret[: len(PREFIX) + 4],
        digest=digest_of(secret),
        scopes=sorted(set(scopes) & set(SCOPES)),
        expires_at=expires_at,
        created_at=now,
    )
    return NewToken(row, secret)


def find(said: str, now: datetime) -> ApiToken | None:
    """The live token of an active person, and its use noted."""
    if not is_whole(said):
        return None
    row = living(now).select_related("user").filter(digest=digest_of(said), user__is_active=True).first()
    if row and (row.last_used_at is None or now - row.last_used_at >= USE_NOTED):
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)
    return row


def living(now: datetime):
    """Neither taken back nor past their end."""
    return ApiToken.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)


def revoke(*, user: User, pk: int, now: datetime) -> ApiToken | None:
    """Take back one token of this person, once."""
    row = ApiToken.objects.filter(pk=pk, user=user).first()
    if row and ApiToken.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=now):
        return row
    return None


def is_whole(said: str) -> bool:
    """Whether this can be a token at all: asked before any table is."""
    body = said.removeprefix(PREFIX)
    if not said.startswith(PREFIX) or len(body) != RANDOM_LENGTH + CHECK_LENGTH or not body.isascii() or not body.isalnum():
        return False
    return check_of(body[:RANDOM_LENGTH]) == body[RANDOM_LENGTH:]


def check_of(body: str) -> str:
    """CRC-32 in base 62."""
    number, letters = zlib.crc32(body.encode()), ""
    for _ in range(CHECK_LENGTH):
        number, digit = divmod(number, len(LETTERS))
        letters = LETTERS[digit] + letters
    return letters


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
