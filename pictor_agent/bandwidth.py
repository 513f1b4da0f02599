"""A limit on how fast files come or go: all transfers of one direction share it."""

import asyncio
from dataclasses import dataclass

BURST_SECONDS = 1.0  # what was not used before counts for so long


@dataclass(slots=True)
class Bandwidth:
    """`bytes_per_second` may change at any time; 0 limits nothing."""

    bytes_per_second: int = 0
    _free_at: float = 0.0

    def delay(self, size_bytes: int, now: float) -> float:
        """Count bytes that have moved; returns how long to wait before the next ones, in seconds."""
        if not self.bytes_per_second:
            return 0.0
        self._free_at = max(self._free_at, now - BURST_SECONDS) + size_bytes / self.bytes_per_second
        return max(0.0, self._free_at - now)

    async def moved(self, size_bytes: int) -> None:
        if wait := self.delay(size_bytes, asyncio.get_running_loop().time()):
            await asyncio.sleep(wait)

    def piece(self, most: int, least: int) -> int:
        """How much to move at once, so that it takes about a second."""
        return max(least, min(most, self.bytes_per_second)) if self.bytes_per_second else most
