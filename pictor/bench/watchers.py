"""Pages that follow one topic: many sockets in one process, which count what they are sent.

`python -m pictor.bench.watchers` reads {"url", "origin", "cookies": [...], "topic"} from standard input, one line; it opens
a socket for each cookie, joins the topic where one is named, and prints [joined, heard, 0] until its input ends.
"""

import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from pictor.bench.agents import OPEN_SECONDS, Counts, play

OPENING = 50  # handshakes at a time


async def watch(order: dict, cookie: str, counts: Counts, door: asyncio.Semaphore) -> None:
    """`recorded` counts what was heard after it had joined."""
    headers = {"Cookie": cookie, "Origin": order["origin"]}
    async with door:
        socket = await connect(
            order["url"], additional_headers=headers, open_timeout=OPEN_SECONDS, compression=None, ping_interval=None
        )
        if order["topic"]:
            await socket.send(json.dumps({"join": order["topic"]}))
            answer = json.loads(await socket.recv())
            assert answer == {"joined": order["topic"]}, answer
    counts.online += 1
    async for _ in socket:
        counts.recorded += 1


async def main() -> None:
    order, counts, door = json.loads(sys.stdin.readline()), Counts(), asyncio.Semaphore(OPENING)
    await play([asyncio.create_task(watch(order, cookie, counts, door)) for cookie in order["cookies"]], counts)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except* ConnectionClosed as lost:
        sys.exit(f"A page lost its socket: {lost.exceptions[0]}")
