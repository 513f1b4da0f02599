"""A machine that is measured does nothing else: frames of other slots wait for the benchmark, and it waits for them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Alone:
    """Any number may compute beside each other, or one that must be alone. In one event loop; a cancel leaves nothing taken."""

    def __init__(self) -> None:
        self._beside = 0
        self._alone = False
        self._changed = asyncio.Event()

    @contextlib.asynccontextmanager
    async def beside_others(self) -> AsyncIterator[None]:
        while self._alone:
            await self._changed.wait()
        self._beside += 1
        try:
            yield
        finally:
            self._beside -= 1
            self._tell()

    @contextlib.asynccontextmanager
    async def by_itself(self) -> AsyncIterator[None]:
        """Nobody else begins from here on; those who compute are waited for."""
        while self._alone:
            await self._changed.wait()
        self._alone = True
        try:
            while self._beside:
                await self._changed.wait()
            yield
        finally:
            self._alone = False
            self._tell()

    def _tell(self) -> None:
        """Wake all who wait now; who waits after this waits for the next change."""
        told, self._changed = self._changed, asyncio.Event()
        told.set()
