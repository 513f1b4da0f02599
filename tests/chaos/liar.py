"""A node that misbehaves by a list: a real key on a real socket, and everything else as it likes."""

import asyncio
import contextlib
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import httpx
import numpy as np

from pictor_agent import connection, protocol
from pictor_agent.config import Config, State
from pictor_agent.connection import Connection, SignOnRefused
from pictor_agent.transfers import make_client
from tests.chaos.painter import VERSIONS, paint, png, result_of

ANSWER_SECONDS = 10.0  # then the attempt is given up, as by a node that has lost it
AGAIN_SECONDS = 0.5
BEAT_SECONDS = 5.0
ABSURD_SECONDS = 9_999_999.0
TAKEN = "told that a void report was taken"
MISDEEDS = (
    "claims absurd seconds",
    "reports an old attempt",
    "reports another node's frame",
    "reports twice",
    "reports late",
    "sends to a forged address",
    "sends another file",
    "claims other pixels",
    "sends a black frame",
    "sends a broken picture",
    "sends garbage",
    "sends a huge message",
    "vanishes in the middle",
    "never acknowledges",
)
INVENTORY = protocol.Inventory(
    hostname="liar",
    os="Linux",
    cpu_model="none",
    cpu_cores=64,
    ram_bytes=2**40,
    disk_free_bytes=2**45,
    blender_versions=VERSIONS,
    isolation="bubblewrap",
)


class GivenUp(Exception):
    """This attempt is not ours any more."""


def forged(url: str) -> str:
    """Another letter in the middle of the signature."""
    return url[:-9] + ("B" if url[-9] == "A" else "A") + url[-8:]


@dataclass(eq=False)
class Liar:
    """The first time that it gets a frame it does the next misdeed of its list, the second time it is honest."""

    config: Config
    state: State
    rng: random.Random
    seconds: float
    done: Counter = field(default_factory=Counter)  # misdeeds
    heard: Counter = field(default_factory=Counter)  # what the server said to them
    link: Connection | None = None
    seen: set[int] = field(default_factory=set)  # frames
    answers: dict[tuple[int, int], asyncio.Queue] = field(default_factory=dict)  # by work and attempt
    waiting: asyncio.Queue = field(default_factory=asyncio.Queue)
    mine: set[tuple[int, int]] = field(default_factory=set)  # what it ever got, by work and attempt
    late: protocol.Done | None = None  # what it reports when it is back

    def __post_init__(self) -> None:
        self.list = list(MISDEEDS)

    @property
    def has_done_all(self) -> bool:
        return set(self.done) == set(MISDEEDS)

    async def run(self) -> None:
        async with make_client() as self.client:
            while True:
                with contextlib.suppress(SignOnRefused, *connection.LOST):
                    await self._one_connection()
                await asyncio.sleep(AGAIN_SECONDS)

    async def _one_connection(self) -> None:
        """A node that comes back has forgotten everything."""
        token = self.state.unused_token(self.config.token)
        key = self.state.signing_key()
        self.link = await connection.sign_on(self.config.socket_url, worker_uid=self.config.worker_uid, key=key, token=token)
        self.state.mark_enrolled(self.config.token)
        self.answers, self.waiting = defaultdict(asyncio.Queue), asyncio.Queue()
        await self.link.send(protocol.SignOn(inventory=INVENTORY))
        beside = [asyncio.create_task(work) for work in (self._work(), self._beat())]
        try:
            while True:
                await self._hear(await self.link.receive())
        except SignOnRefused as refused:
            self.heard[f"refused: {refused.code}"] += 1
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await self.link.close()

    async def _hear(self, message: protocol.ToNode) -> None:
        match message:
            case protocol.Assign(items=items):
                self.mine |= {(item.work_id, item.attempt) for item in items}
                for item in items:
                    self.waiting.put_nowait(item)
            case protocol.UploadGrant() | protocol.Recorded():
                self.heard["told that a report was void"] += getattr(message, "stale", False)
                self.answers[message.work_id, message.attempt].put_nowait(message)
            case protocol.Cancel(items=items):
                self.heard["told to stop"] += len(items)
                for key in self.answers.keys() & set(items):
                    self.answers[key].put_nowait(message)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await self.link.send(protocol.Heartbeat(holding=[*self.answers]))

    # Misdeeds ---------------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        await self._report_late()
        while True:
            item = await self.waiting.get()
            with contextlib.suppress(GivenUp, TimeoutError, httpx.HTTPError):
                await self._act(item, self._next(item))
            self.answers.pop((item.work_id, item.attempt), None)

    def _next(self, item: protocol.Assignment) -> str:
        """In the order of the list once, so that each is done; by chance later."""
        if item.work_id in self.seen:
            return "is honest"
        self.seen.add(item.work_id)
        deed = self.list.pop(0) if self.list else self.rng.choice((*MISDEEDS, "is honest"))
        self.done.update({deed} & set(MISDEEDS))
        return deed

    async def _act(self, item: protocol.Assignment, deed: str) -> None:
        if deed == "never acknowledges":
            return
        await self._say(protocol.Received(items=[(item.work_id, item.attempt)]))
        await self._say(protocol.Started(work_id=item.work_id, attempt=item.attempt))
        await asyncio.sleep(self.seconds)
        match deed:
            case "sends garbage":
                await self.link.socket.send(self.rng.randbytes(2_000))
            case "sends a huge message":
                await self.link.socket.send(bytes(protocol.MESSAGE_BYTES_MAX + self.rng.choice((1, 10**6))))
            case "vanishes in the middle":
                self.link.socket.transport.abort()
            case _:
                await self._deliver(item, deed)

    async def _deliver(self, item: protocol.Assignment, deed: str) -> None:
        pixels, key = paint(item.spec), (item.work_id, item.attempt)
        if deed == "sends a black frame":
            pixels = np.zeros_like(pixels)
        content = self.rng.randbytes(500) if deed == "sends a broken picture" else png(pixels)
        claimed = paint(item.spec)[::-1] if deed == "claims other pixels" else pixels
        result = result_of(claimed, content, ABSURD_SECONDS if deed == "claims absurd seconds" else self.seconds)
        if deed == "reports an old attempt":
            await self._report_others(result, [(item.work_id, item.attempt + by) for by in (-1, 1)])
        if deed == "reports another node's frame":
            await self._report_others(result, [(item.work_id + by, 1) for by in (-2, 2)])
        await self._say(protocol.Rendered(work_id=item.work_id, attempt=item.attempt, result=result))
        grant = await self._answer(key, protocol.UploadGrant)
        if deed == "sends to a forged address":
            await self._send(forged(grant.url), content)
        await self._send(grant.url, content[::-1] if deed == "sends another file" else content)
        if deed == "reports late":
            self.late = protocol.Done(work_id=item.work_id, attempt=item.attempt, result=result)
            self.link.socket.transport.abort()
            return
        for _ in range(2 if deed == "reports twice" else 1):
            await self._say(protocol.Done(work_id=item.work_id, attempt=item.attempt, result=result))
            await self._answer(key, protocol.Recorded)

    async def _report_others(self, result: protocol.RenderResult, keys: list[tuple[int, int]]) -> None:
        """As if they had been ours, and finished; those that are ours may be reported, and even twice."""
        for work_id, attempt in keys:
            if (work_id, attempt) not in self.mine:
                await self._report_void(protocol.Done(work_id=work_id, attempt=attempt, result=result))

    async def _report_void(self, report: protocol.Done) -> None:
        await self._say(report)
        answer = await self._answer((report.work_id, report.attempt), protocol.Recorded)
        self.heard[TAKEN] += not answer.stale

    async def _report_late(self) -> None:
        """Of a lease that went back to the queue when we came back with empty hands."""
        late, self.late = self.late, None
        if late:
            with contextlib.suppress(GivenUp, TimeoutError):
                await self._report_void(late)

    async def _say(self, message: protocol.Message) -> None:
        await self.link.send(message)

    async def _answer(self, key: tuple[int, int], kind: type):
        """The next answer of this kind about the attempt; GivenUp when the server wants no more of it."""
        async with asyncio.timeout(ANSWER_SECONDS):
            while not isinstance(answer := await self.answers[key].get(), kind):
                if isinstance(answer, protocol.Cancel):
                    raise GivenUp
            return answer

    async def _send(self, url: str, content: bytes) -> None:
        answer = await self.client.patch(url, content=content, headers={"Upload-Offset": "0"})
        self.heard["told that the file is another one"] += answer.status_code == 422
        self.heard["told that an address is not signed"] += answer.status_code in {401, 403, 404}
