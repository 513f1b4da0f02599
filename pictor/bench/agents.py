"""Synthetic agents: many nodes in one process, each on a real socket with a key of its own, whose renders take no time.

`python -m pictor.bench.agents` reads {"url", "nodes": [[uid, key in hex], ...], "seconds"} from standard input, one line,
and prints how many tasks have been recorded, several times a second, until its input ends. `seconds` is what a render
takes; 0 is a no-op.
"""

import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256

from nacl.signing import SigningKey
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from pictor_agent import protocol

PRINT_SECONDS = 0.1
OPEN_SECONDS = 30
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
    socket: ClientConnection = field(init=False)
    held: dict[int, int] = field(default_factory=dict)  # work id -> attempt
    results: dict[int, protocol.RenderResult] = field(default_factory=dict)
    waiting: asyncio.Queue = field(default_factory=asyncio.Queue)

    async def run(self, url: str) -> None:
        self.socket = await connect(url, max_size=protocol.TO_NODE_BYTES_MAX, open_timeout=OPEN_SECONDS, compression=None)
        await self._prove()
        await self._say(protocol.SignOn(inventory=INVENTORY))
        self.counts.online += 1
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._render())
            group.create_task(self._beat())

    async def _say(self, message: protocol.Message) -> None:
        await self.socket.send(protocol.encode(message))

    async def _prove(self) -> None:
        """As pictor_agent.connection does, which belongs to the agent alone."""
        public_key = bytes(self.key.verify_key)
        await self._say(
            protocol.Hello(protocol=protocol.VERSION, agent_version="bench", worker_uid=self.uid, public_key=public_key)
        )
        challenge = protocol.decode_to_node(await self.socket.recv())
        await self._say(protocol.Proof(signature=self.key.sign(protocol.proof_text(challenge.nonce, self.uid)).signature))
        welcome = protocol.decode_to_node(await self.socket.recv())
        assert isinstance(welcome, protocol.Welcome), f"signed on, and heard {welcome}"

    async def _listen(self) -> None:
        async for raw in self.socket:
            match protocol.decode_to_node(raw):
                case protocol.Assign(items=items):
                    await self._take(items)
                case protocol.UploadGrant(work_id=work_id, attempt=attempt):
                    result = self.results[work_id]
                    await self._say(protocol.Done(work_id=work_id, attempt=attempt, result=result))
                case protocol.Recorded() as recorded:
                    self.counts.recorded += not recorded.stale
                    self.counts.stale += recorded.stale
                    self.held.pop(recorded.work_id, None)
                    self.results.pop(recorded.work_id, None)

    async def _take(self, items: list[protocol.Assignment]) -> None:
        self.held |= {item.work_id: item.attempt for item in items}
        await self._say(protocol.Received(items=[(item.work_id, item.attempt) for item in items]))
        for item in items:
            self.waiting.put_nowait(item)

    async def _render(self) -> None:
        while True:
            item = await self.waiting.get()
            await self._say(protocol.Started(work_id=item.work_id, attempt=item.attempt))
            if self.seconds:
                await asyncio.sleep(self.seconds)
            self.results[item.work_id] = result = _result(item)
            await self._say(protocol.Rendered(work_id=item.work_id, attempt=item.attempt, result=result))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await self._say(protocol.Heartbeat(holding=list(self.held.items())))


def _result(item: protocol.Assignment) -> protocol.RenderResult:
    """A claim that no other task makes."""
    digest = sha256(b"%d %d" % (item.work_id, item.attempt)).hexdigest()
    return protocol.RenderResult(
        file_sha256=digest, pixels_sha256=digest, size_bytes=1_000, width=32, height=18, render_seconds=CLAIMED_SECONDS
    )


async def play(running: list[asyncio.Task], counts: Counts) -> None:
    """Print the counts until the input ends; what goes wrong in one of them ends them all."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
    while not ended.is_set():
        for task in running:
            if task.done():
                task.result()
        print(json.dumps([counts.online, counts.recorded, counts.stale]), flush=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), PRINT_SECONDS)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def main() -> None:
    order = json.loads(sys.stdin.readline())
    counts = Counts()
    agents = [Agent(uid, SigningKey(bytes.fromhex(key)), order["seconds"], counts) for uid, key in order["nodes"]]
    await play([asyncio.create_task(agent.run(order["url"])) for agent in agents], counts)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except* ConnectionClosed as lost:
        sys.exit(f"An agent lost its socket: {lost.exceptions[0]}")
