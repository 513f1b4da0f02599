"""Hints that something changed: one Redis channel per topic, losable, never data that a viewer may not see."""

import json
from functools import cache

import redis
from django.conf import settings
from django.db import transaction

PREFIX = "live:"


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


def announce_on_commit(topic: str, *changed: str) -> None:
    """`announce` once the surrounding transaction has committed."""
    transaction.on_commit(lambda: announce(topic, *changed))


def push(topic: str, gauges: dict) -> None:
    """Send small gauges (numbers that everyone who may join the topic may see) straight to the page."""
    try:
        connection().publish(PREFIX + topic, json.dumps({"gauges": gauges}))
    except redis.RedisError:
        pass
