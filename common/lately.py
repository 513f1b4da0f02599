"""What one process read a moment ago: pages that all ask the same of a large network need not each count it again."""

import time
from typing import Generic, TypeVar

T = TypeVar("T")

KEPT_SECONDS = 5


class Lately(Generic[T]):
    """One value. What is small is better read anew: only its reader knows, so only what was given to `keep` is known."""

    def __init__(self, seconds: float = KEPT_SECONDS) -> None:
        self._seconds = seconds
        self._kept: tuple[T, float] | None = None  # and until when; replaced as one, so that threads see both or none

    def known(self) -> T | None:
        kept = self._kept
        return kept[0] if kept and time.monotonic() < kept[1] else None

    def keep(self, value: T) -> None:
        self._kept = value, time.monotonic() + self._seconds
