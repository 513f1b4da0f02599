"""Synthetic agents: many nodes in one process, each on a real socket with a key of its own, whose renders take no time.

`python -m pictor.bench.agents` reads {"url", "nodes": [[uid, key in hex], ...], "seconds"} from standard input, one line,
and prints how many tasks have been recorded, several times a second, until its input ends. `seconds` is what a render
takes; 0 is a no-op.
"""

import asyncio
import json
import sys
from dataclasses import dataclass, field
from hashlib import sha256

from nacl.signing import SigningKey

from pictor_agent import protocol
from pictor_agent.connection import LOST, Connection, sign_on

PRINT_SECONDS = 0.1
BEAT_SECONDS = 5.0
CLAIMED_SECONDS = 10.0  # more than any wall time here, so that the server's clock decides and something is paid
INVENTORY = protocol.Inventory(
    hostname="bench",
    os="Linux",
    cpu_model="none",
    cpu_cores=1,
    ram_bytes=16 * 1024**3,
    disk_free_bytes=2**40,
    blender_versions=["5.0.1"],
    isolation="bubblewrap",
)


@dataclass
class Counts:
    online: int = 0
    recorded: int = 0
    stale: int = 0


@dataclass
class Agent:
    """One node with one slot: what is next begins when what runs is rendered."""

    uid: str
    key: SigningKey
    seconds: float
    counts: Counts
    line: Connection = field(init=False)
    held: dict[int, int] = field(default_factory=dict)  # work id -> attempt
    results: dict[int, protocol.RenderResult] = field(default_factory=dict)
    waiting: asyncio.Queue = field(default_factory=asyncio.Queue)

    async def run(self, url: str) -> None:
        self.line = await sign_on(url, worker_uid=self.uid, key=self.key, token="")
        await self.line.send(protocol.SignOn(inventory=INVENTORY))
        self.counts.online += 1
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._render())
            group.create_task(self._beat())

    async def _listen(self) -> None:
        while True:
            match await self.line.receive():
                case protocol.Assign(items=items):
                    await self._take(items)
                case protocol.UploadGrant(work_id=work_id, attempt=attempt):
                    result = self.results[work_id]
                    await self.line.send(protocol.Done(work_id=work_id, attempt=attempt, result=result))
                case protocol.Recorded() as recorded:
                    self.counts.recorded += not recorded.stale
                    self.counts.stale += recorded.stale
                    self.held.pop(recorded.work_id, None)
                    self.results.pop(recorded.work_id, None)

    async def _take(self, items: list[protocol.Assignment]) -> None:
        self.held |= {item.work_id: item.attempt for item in items}
        await self.line.send(protocol.Received(items=[(item.work_id, item.attempt) for item in items]))
        for item in items:
            self.waiting.put_nowait(item)

    async def _render(self) -> None:
        while True:
            item = await self.waiting.get()
            await self.line.send(protocol.Started(work_id=item.work_id, attempt=item.attempt))
            if self.seconds:
                await asyncio.sleep(self.seconds)
            self.results[item.work_id] = result = _result(item)
            await self.line.send(protocol.Rendered(work_id=item.work_id, attempt=item.attempt, result=result))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await self.line.send(protocol.Heartbeat(holding=list(self.held.items())))


def _result(item: protocol.Assignment) -> protocol.RenderResult:
    """A claim that no other task makes."""
    digest = sha256(b"%d %d" % (item.work_id, item.attempt)).hexdigest()
    return protocol.RenderResult(
        file_sha256=digest, pixels_sha256=digest, size_bytes=1_000, width=32, height=18, render_seconds=CLAIMED_SECONDS
    )


async def main() -> None:
    order = json.loads(sys.stdin.readline())
    counts = Counts()
    agents = [Agent(uid, SigningKey(bytes.fromhex(key)), order["seconds"], counts) for uid, key in order["nodes"]]
    running = [asyncio.create_task(agent.run(order["url"])) for agent in agents]
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    while not ended.done():
        for task in running:
            if task.done():
                task.result()
        print(json.dumps([counts.online, counts.recorded, counts.stale]), flush=True)
        await asyncio.wait([ended], timeout=PRINT_SECONDS)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except* LOST as lost:
        sys.exit(f"An agent lost its socket: {lost.exceptions[0]}")
