"""Hints that something changed: one Redis channel per topic, losable, never data that a viewer may not see."""

import json
import threading
from functools import cache

import redis
from django.conf import settings
from django.db import transaction

PREFIX = "live:"
ACCESS = "access"  # a changed word: who may follow the topic by a token changed; sockets ask again


@cache
def connection() -> redis.Redis:
    """This process's connection pool for publishing."""
    return redis.Redis.from_url(settings.REDIS_URL)


def announce(topic: str, *changed: str) -> None:
    """Tell the pages that follow `topic` ("job:12") which of its elements changed ("frames"). A lost hint is no error."""
    try:
        connection().publish(PREFIX + topic, json.dumps({"changed": sorted(changed)}))
    except redis.RedisError:
        pass  # pages poll and sweeps repeat


class _Pending(threading.local):
    """Hints of the transaction that this thread is in, merged by topic."""

    def __init__(self) -> None:
        self.changed: dict[str, set[str]] = {}


_pending = _Pending()


def announce_on_commit(topic: str, *changed: str) -> None:
    """`announce` once the surrounding transaction has committed; all hints of one transaction travel together.

    A hint whose transaction was rolled back may travel with the next one: it makes a page look in vain, no more.
    """
    _pending.changed.setdefault(topic, set()).update(changed)
    transaction.on_commit(_announce_pending)


def _announce_pending() -> None:
    """The first call after a commit sends everything, the others find nothing."""
    hints, _pending.changed = _pending.changed, {}
    if not hints:
        return
    try:
        with connection().pipeline(transaction=False) as pipe:
            for topic, changed in hints.items():
                pipe.publish(PREFIX + topic, json.dumps({"changed": sorted(changed)}))
            pipe.execute()
    except redis.RedisError:
        pass  # pages poll and sweeps repeat


def push(topic: str, gauges: dict) -> None:
    """Send small gauges (numbers that everyone who may join the topic may see) straight to the page."""
    try:
        connection().publish(PREFIX + topic, json.dumps({"gauges": gauges}))
    except redis.RedisError:
        pass
