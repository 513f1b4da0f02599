"""What every page of somebody who is signed in has: their time zone, and that they were here."""

import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from users import devices, sessions


def own_account(get_response: Callable) -> Callable:
    """Middleware, inside the one that knows the user. A visitor without a session costs nothing."""

    def middleware(request: HttpRequest) -> HttpResponse:
        zone = _zone(request) if settings.SESSION_COOKIE_NAME in request.COOKIES else None
        with timezone.override(zone):
            response = get_response(request)
        devices.keep_cookie(request, response)
        return response

    return middleware


def _zone(request: HttpRequest) -> zoneinfo.ZoneInfo | None:
    """None: the site's."""
    user = request.user
    if not user.is_authenticated:
        return None
    sessions.note_use(request)
    if not user.time_zone:
        return None
    try:
        return zoneinfo.ZoneInfo(user.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):  # one that the system has lost since
        return None
