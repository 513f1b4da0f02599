"""A file that takes every process down that looks at it is given up in the end, not looked at for ever.

A mark in Redis stands while a process looks; only one that dies leaves it behind. Marks may be lost: counting begins anew.
Whoever looks holds the claim (rendering.claims): two marks of one file are never of two processes at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
import structlog
from django.core.cache import cache

LOOKS_MAX = 3
KEPT_SECONDS = 86_400
log = structlog.get_logger(__name__)


class Deadly(Exception):
    """LOOKS_MAX processes ended while they looked at it; str() says so."""


@contextmanager
def looking(kind: str, pk: int) -> Iterator[None]:
    """Around the look at strangers' files: those of an attempt, a film, a merge, an inspection.

    Raises:
        Deadly: before anything is looked at.
    """
    marks = _marks(kind, pk)
    if marks >= LOOKS_MAX:
        raise Deadly("Each process that worked on it was ended by it.")
    _set(kind, pk, marks + 1)
    try:
        yield
    finally:
        _set(kind, pk, 0)


def _key(kind: str, pk: int) -> str:
    return f"rendering:look:{kind}:{pk}"


def _marks(kind: str, pk: int) -> int:
    try:
        return cache.get(_key(kind, pk), 0)
    except redis.RedisError:
        return 0


def _set(kind: str, pk: int, marks: int) -> None:
    try:
        if marks:
            cache.set(_key(kind, pk), marks, timeout=KEPT_SECONDS)
        else:
            cache.delete(_key(kind, pk))
    except redis.RedisError:
        log.warning("look_not_marked", kind=kind, pk=pk)
