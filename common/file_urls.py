"""File URLs for nodes: signed over method, file, work and attempt, valid for minutes, renewed over the node's socket.

The token carries no secret; whoever holds it may do one thing with one file until it expires.
"""

from datetime import datetime
from typing import Literal, NamedTuple

from django.conf import settings
from django.core import signing

SALT = "pictor.file"
TOKEN_CHARACTERS_MAX = 2_000
Method = Literal["GET", "PATCH"]


class BadFileUrl(Exception):
    """The token was not signed here, is over, or allows something else."""


class FileGrant(NamedTuple):
    """What a token allows. `work_id` and `attempt` are 0 for files that belong to no attempt."""

    method: Method
    storage_key: str
    sha256: str
    size_bytes: int
    work_id: int
    attempt: int
    expires: int  # POSIX seconds of the server's clock


def sign_file_url(
    *, method: Method, storage_key: str, sha256: str, size_bytes: int, work_id: int = 0, attempt: int = 0, now: datetime
) -> str:
    """An absolute URL at which one file can be fetched (GET) or sent (PATCH) for FILE_URL_SECONDS from `now`."""
    expires = int(now.timestamp()) + settings.FILE_URL_SECONDS
    grant = FileGrant(method, storage_key, sha256, size_bytes, work_id, attempt, expires)
    return f"{settings.SITE_URL}/files/{signing.Signer(salt=SALT).sign_object(grant)}"


def read_file_token(token: str, *, method: str, now: datetime) -> FileGrant:
    """The grant inside a token, if it allows `method` at `now`. HEAD is allowed by either method.

    Raises:
        BadFileUrl: forged, expired, or for another method.
    """
    grant = _unsign(token)
    if grant.expires <= now.timestamp():
        raise BadFileUrl("The URL has expired.")
    if method not in {grant.method, "HEAD"}:
        raise BadFileUrl(f"The URL is not for {method}.")
    return grant


def _unsign(token: str) -> FileGrant:
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise BadFileUrl("The URL is too long.")
    try:
        return FileGrant(*signing.Signer(salt=SALT).unsign_object(token))
    except (signing.BadSignature, TypeError, ValueError) as error:
        raise BadFileUrl("The URL was not signed by this site.") from error
