"""Where a person is signed in, in words."""

import re
from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.http import HttpRequest

SESSIONS_MAX = 50

BROWSERS = [("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")]
SYSTEMS = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
]


@dataclass(frozen=True)
class Place:
    """One browser in which the person is signed in."""

    pk: int
    words: str
    ip: str
    since: datetime
    is_here: bool


def places_of(request: HttpRequest) -> list[Place]:
    """The live sessions of the request's user, this one first, newest next. Forgets those that have ended."""
    sessions = UserSession.objects.purge_and_list(request.user)
    places = [_place(session, request.session.session_key) for session in sessions]
    return sorted(places, key=lambda place: (not place.is_here, -place.since.timestamp()))[:SESSIONS_MAX]


def _place(session: UserSession, here: str) -> Place:
    return Place(session.pk, browser_of(session.user_agent), session.ip, session.created_at, session.session_key == here)


def browser_of(user_agent: str) -> str:
    """ "Firefox on Linux" from a User-Agent header; the first words of anything unknown."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or re.sub(r"[^\w./ -]", "", user_agent)[:40] or "Unknown browser"
