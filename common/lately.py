"""What was read a moment ago, by one process or by any: pages that all ask the same of much need not each count it again."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from django.core.cache import cache

T = TypeVar("T")

KEPT_SECONDS = 5


class Lately(Generic[T]):
    """One value of one process. What is small is better read anew: only its reader knows, so only what was given to `keep` is known."""

    def __init__(self, seconds: float = KEPT_SECONDS) -> None:
        self._seconds = seconds
        self._kept: tuple[T, float] | None = None  # and until when; replaced as one, so that threads see both or none

    def known(self) -> T | None:
        kept = self._kept
        return kept[0] if kept and time.monotonic() < kept[1] else None

    def keep(self, value: T) -> None:
        self._kept = value, time.monotonic() + self._seconds


def kept_if_many(key: str, read: Callable[[], tuple[T, int]], *, many: int, seconds: int) -> T:
    """What `read` finds, kept for all processes where it had to look at more than `many` rows: the second of what it returns."""
    found = cache.get(key)
    if found is None:
        found, looked_at = read()
        if looked_at > many:
            cache.set(key, found, seconds)
    return found
