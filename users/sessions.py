"""Where a person is signed in, in words, and since when each browser was not used."""

import json
import re
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

import redis
from allauth.usersessions.models import UserSession
from django.http import HttpRequest

from common import clock
from common.limits import visitor_ip
from common.realtime import connection

SESSIONS_MAX = 50
USE_NOTED_SECONDS = 300.0  # a session's last use is written no more often by one process
NOTED_MAX = 10_000
USED = "users:sessions-used"  # in Redis: session key -> time and address, not written down yet
WRITTEN_AT_ONCE = 500

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
    last_used: datetime
    is_here: bool


def places_of(request: HttpRequest) -> list[Place]:
    """The live sessions of the request's user, this one first, those used last next. Forgets those that have ended."""
    sessions = UserSession.objects.purge_and_list(request.user)
    places = [_place(session, request.session.session_key) for session in sessions]
    return sorted(places, key=lambda place: (not place.is_here, -place.last_used.timestamp()))[:SESSIONS_MAX]


def _place(session: UserSession, here: str) -> Place:
    return Place(
        pk=session.pk,
        words=browser_of(session.user_agent),
        ip=session.ip,
        since=session.created_at,
        last_used=session.last_seen_at,
        is_here=session.session_key == here,
    )


_noted: OrderedDict[str, float] = OrderedDict()  # session key -> when this process last wrote, monotonic seconds


def note_use(request: HttpRequest) -> None:
    """Keep when and from where this session was last used: every few minutes a word to Redis, which a sweep writes down.

    No page waits for a durable write. A word that is lost is said again.
    """
    key, now = request.session.session_key or "", time.monotonic()
    if now - _noted.get(key, -USE_NOTED_SECONDS) < USE_NOTED_SECONDS:
        return
    _noted[key] = now
    if len(_noted) > NOTED_MAX:
        _noted.popitem(last=False)
    try:
        connection().hset(USED, key, json.dumps([clock.now().isoformat(), visitor_ip(request)]))
    except redis.RedisError:
        _noted.pop(key, None)


def write_uses() -> int:
    """Write what was noted since the last time; returns how many sessions that were."""
    said, _ = connection().pipeline().hgetall(USED).delete(USED).execute()
    sessions = list(UserSession.objects.filter(session_key__in=[key.decode() for key in said]))
    for session in sessions:
        seen_at, ip = json.loads(said[session.session_key.encode()])
        session.last_seen_at, session.ip = datetime.fromisoformat(seen_at), ip or session.ip
    UserSession.objects.bulk_update(sessions, ["last_seen_at", "ip"], batch_size=WRITTEN_AT_ONCE)
    return len(sessions)


def end_others(request: HttpRequest) -> int:
    """Sign out everywhere but here; returns how many browsers that were."""
    others = UserSession.objects.filter(user=request.user).exclude(session_key=request.session.session_key)
    ended = list(others)
    for session in ended:
        session.end()
    return len(ended)


def browser_of(user_agent: str) -> str:
    """ "Firefox on Linux" from a User-Agent header; the first words of anything unknown."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or re.sub(r"[^\w./ -]", "", user_agent)[:40] or "Unknown browser"


def as_data(user) -> list[dict]:
    """For the file that a person takes along."""
    return [
        {
            "browser": browser_of(session.user_agent),
            "ip": session.ip,
            "since": session.created_at.isoformat(),
            "last_used": session.last_seen_at.isoformat(),
        }
        for session in UserSession.objects.filter(user=user).order_by("created_at")
    ]
