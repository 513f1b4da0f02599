"""Wake the feeder: at most one nudge waits at any time, and a lost one costs a second (beat feeds too)."""

import redis
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from common import realtime

FLAG = "feeder:nudged"
FLAG_SECONDS = 5  # a nudge that was lost with its process does not silence the next ones for longer
FEED = "workers.background.feed"


def nudge() -> None:
    """Queue one run of the feeder unless one is queued already."""
    try:
        if realtime.connection().set(FLAG, 1, nx=True, ex=FLAG_SECONDS):
            current_app.send_task(FEED, queue="feeder", expires=FLAG_SECONDS)
    except (redis.RedisError, OperationalError):
        pass


def nudge_on_commit() -> None:
    transaction.on_commit(nudge)


def take_nudge() -> None:
    """Before feeding: changes from here on need another nudge."""
    try:
        realtime.connection().delete(FLAG)
    except redis.RedisError:
        pass
