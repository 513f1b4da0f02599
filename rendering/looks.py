"""A picture that takes every process down that looks at it is refused in the end, not looked at for ever.

A mark in Redis stands while a process looks; only one that dies leaves it behind. Marks may be lost: counting begins anew.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
import structlog
from django.core.cache import cache

LOOKS_MAX = 3
KEPT_SECONDS = 86_400
log = structlog.get_logger(__name__)


def is_deadly(attempt_id: int) -> bool:
    """Did LOOKS_MAX processes end while they looked at the frame of this attempt?"""
    return _marks(attempt_id) >= LOOKS_MAX


@contextmanager
def looking(attempt_id: int) -> Iterator[None]:
    """Around the look at the frame of one attempt."""
    _set(attempt_id, _marks(attempt_id) + 1)
    try:
        yield
    finally:
        _set(attempt_id, 0)


def _marks(attempt_id: int) -> int:
    try:
        return cache.get(f"rendering:look:{attempt_id}", 0)
    except redis.RedisError:
        return 0


def _set(attempt_id: int, marks: int) -> None:
    try:
        if marks:
            cache.set(f"rendering:look:{attempt_id}", marks, timeout=KEPT_SECONDS)
        else:
            cache.delete(f"rendering:look:{attempt_id}")
    except redis.RedisError:
        log.warning("look_not_marked", attempt_id=attempt_id)
