"""The road between nodes and servers: a proxy of our own on every address that nodes know, which cuts and slows on command."""

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field

from pictor.stack import ports

BLOCK_BYTES = 16 * 1024
HOST = "127.0.0.1"


@dataclass
class Road:
    """`with Road([8000, 8001]) as road`: `road.entries` are the ports that lead to those, while the road is open."""

    targets: list[int]
    delay_seconds: float = 0.0  # of every block, each way
    is_cut: bool = False
    entries: list[int] = field(default_factory=list)
    _lines: set[asyncio.StreamWriter] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def __enter__(self) -> "Road":
        self.entries = [ports.free_port() for _ in self.targets]
        self._thread = threading.Thread(target=self._loop.run_forever, name="road")
        self._thread.start()
        for entry, target in zip(self.entries, self.targets, strict=True):
            self._ask(self._open(entry, target))
        return self

    def __exit__(self, *failure) -> None:
        self._ask(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Every line breaks, and no new one comes about."""
        self.is_cut = True
        self._loop.call_soon_threadsafe(self._break_all)

    def slow(self, seconds: float) -> None:
        self.delay_seconds = seconds

    def mend(self) -> None:
        self.is_cut, self.delay_seconds = False, 0.0

    def _ask(self, work) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _break_all(self) -> None:
        for writer in list(self._lines):
            writer.transport.abort()

    async def _open(self, entry: int, target: int) -> None:
        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._carry_both(reader, writer, target)

        await asyncio.start_server(carry, HOST, entry)

    async def _close(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        self._break_all()
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _carry_both(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: int) -> None:
        far: list[asyncio.StreamWriter] = []
        with contextlib.suppress(OSError):
            if not self.is_cut:
                other, far_writer = await asyncio.open_connection(HOST, target)
                far.append(far_writer)
                self._lines |= {writer, far_writer}
                await asyncio.gather(self._carry(reader, far_writer), self._carry(other, writer))
        for each in [writer, *far]:
            self._lines.discard(each)
            each.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while block := await reader.read(BLOCK_BYTES):
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
            writer.write(block)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()
