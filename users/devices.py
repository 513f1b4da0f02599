"""Browsers that a person has signed in with before. A cookie says which; only its digest is kept."""

import hashlib
import secrets
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from users.models import KnownDevice, User

COOKIE = "device"
COOKIE_SECONDS = 365 * 86_400
LENGTH = 43  # of 32 bytes in base 64


def is_new(request: HttpRequest, user: User, now: datetime) -> bool:
    """Note that this browser signs in; True where this person used others before, never this one."""
    secret = request.COOKIES.get(COOKIE, "")
    if len(secret) != LENGTH:
        secret = request.new_device = secrets.token_urlsafe(32)
    digest = hashlib.sha256(secret.encode()).hexdigest()
    had_others = KnownDevice.objects.filter(user=user).exists()
    _, is_unseen = KnownDevice.objects.update_or_create(user=user, digest=digest, defaults={"last_at": now})
    return is_unseen and had_others


def keep_cookie(request: HttpRequest, response: HttpResponse) -> None:
    """Give the browser its name, where it got one in this request."""
    secret = getattr(request, "new_device", "")
    if secret:
        response.set_cookie(
            COOKIE, secret, max_age=COOKIE_SECONDS, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
        )
