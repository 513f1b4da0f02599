"""What the parts of a shift share: the connection of the moment, and tasks that run beside and end with the shift."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field

from pictor_agent import connection, protocol
from pictor_agent.connection import Connection


@dataclass(eq=False)
class Line:
    """`link` is None while there is no connection; `changed` wakes whoever waits for something to have ended."""

    link: Connection | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task] = field(default_factory=set)

    async def send(self, message: protocol.Message) -> bool:
        """Say it now, if there is a connection. What must arrive is repeated by its owner."""
        if self.link is None:
            return False
        try:
            await self.link.send(message)
        except connection.LOST:
            return False
        return True

    def start(self, work: Coroutine) -> asyncio.Task:
        """Run beside; the shift ends with none of these left."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task) -> None:
        self.tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever awaits it deals with it; nobody must not mean a warning at exit

    async def stop(self, *others: asyncio.Task) -> None:
        """Cancel all that runs, and hang up."""
        tasks = {*others, *self.tasks}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.link:
            await self.link.close()
