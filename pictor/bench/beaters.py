"""Nodes that do nothing but report: many in one process, each on a real socket with a key of its own.

`python -m pictor.bench.beaters` reads {"url", "nodes": [[uid, key in hex], ...], "seconds"} from standard input, one line, and
prints how many are online, as pictor.bench.agents does, until its input ends. `seconds` apart each node reports, spread over
that time. A report carries the moment at which it was sent, in its free disk: a page then knows how old it is.
"""

import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass

from nacl.signing import SigningKey
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from pictor.bench.agents import INVENTORY, OPEN_SECONDS, Agent, Counts, play
from pictor_agent import protocol

OPENING = 50  # handshakes of one process at a time
MICROSECONDS = 1_000_000
GPU = protocol.GpuSample(index=0, load=0.9, vram_used_bytes=2**34, temperature_celsius=66.0, power_watts=300.0, fan=0.5)


@dataclass
class Beater(Agent):
    """`seconds` is what lies between two reports."""

    async def sign_on(self, url: str, door: asyncio.Semaphore) -> None:
        async with door:
            self.socket = await connect(
                url, max_size=protocol.TO_NODE_BYTES_MAX, open_timeout=OPEN_SECONDS, compression=None, ping_interval=None
            )
            await self._prove()
            await self._say(protocol.SignOn(inventory=INVENTORY))
        self.counts.online += 1

    async def report(self) -> None:
        await asyncio.sleep(random.random() * self.seconds)
        due = time.monotonic()
        while True:
            await self._say(heartbeat())
            due += self.seconds
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def run(self, url: str, door: asyncio.Semaphore) -> None:
        await self.sign_on(url, door)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self.report())


def heartbeat() -> protocol.Heartbeat:
    sent_at = int(time.time() * MICROSECONDS)
    return protocol.Heartbeat(
        cpu_load=0.4,
        ram_used_bytes=2**33,
        disk_free_bytes=sent_at,
        network_down_bytes=1_000,
        network_up_bytes=1_000,
        gpus=[GPU],
    )


async def main() -> None:
    order, counts, door = json.loads(sys.stdin.readline()), Counts(), asyncio.Semaphore(OPENING)
    nodes = [Beater(uid, SigningKey(bytes.fromhex(key)), order["seconds"], counts) for uid, key in order["nodes"]]
    await play([asyncio.create_task(node.run(order["url"], door)) for node in nodes], counts)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except* ConnectionClosed as lost:
        sys.exit(f"A node lost its socket: {lost.exceptions[0]}")
