"""A node whose strings the test pulls: a real key on a real socket. It starts, tells, sends and fails when it is told to."""

import asyncio
import contextlib
import tempfile
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from pictor_agent import connection, protocol
from pictor_agent.config import Config, State
from pictor_agent.connection import Connection, SignOnRefused
from pictor_agent.transfers import make_client
from tests.chaos.painter import VERSIONS, paint, png, result_of
from tests.stories.creator import await_that

PATIENCE_SECONDS = 120
BEAT_SECONDS = 2.0  # leases live for 60 s
Key = tuple[int, int]  # work, attempt
INVENTORY = protocol.Inventory(
    hostname="puppet",
    os="Linux",
    cpu_model="Strings and wood",
    cpu_cores=8,
    ram_bytes=2**36,
    disk_free_bytes=2**40,
    blender_versions=VERSIONS,
    isolation="bubblewrap",
)


def exr(pixels: np.ndarray) -> bytes:
    """A small OpenEXR of these floats, RGB."""
    height, width, _ = pixels.shape
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frame.exr"
        output = oiio.ImageOutput.create(str(path))
        output.open(str(path), oiio.ImageSpec(width, height, 3, oiio.FLOAT))
        output.write_image(pixels)
        output.close()
        return path.read_bytes()


def picture(spec: protocol.RenderSpec) -> tuple[np.ndarray, bytes]:
    pixels = paint(spec)
    if spec.format == "OPEN_EXR":
        pixels = pixels.astype(np.float32) / np.float32(255)
        return pixels, exr(pixels)
    return pixels, png(pixels)


@dataclass(eq=False)
class Puppet:
    """`with Puppet(...)`: signed on. Every method returns when the server has taken it."""

    config: Config
    state: State
    inventory: protocol.Inventory = INVENTORY
    gauges: dict = field(default_factory=dict)  # of every heartbeat from now on
    items: dict[Key, protocol.Assignment] = field(default_factory=dict)
    answers: dict[Key, asyncio.Queue] = field(default_factory=lambda: defaultdict(asyncio.Queue))
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    link: Connection | None = None

    def __enter__(self) -> "Puppet":
        self.thread = threading.Thread(target=self.loop.run_forever, name="puppet")
        self.thread.start()
        self.running = asyncio.run_coroutine_threadsafe(self._run(), self.loop)
        await_that(lambda: self.link or self.running.done(), "the puppet signed on")
        return self

    def __exit__(self, *failure) -> None:
        self.running.cancel()
        self._do(self._settle())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def _do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_SECONDS)

    async def _settle(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    # The line ----------------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        async with make_client() as self.client:
            while True:
                with contextlib.suppress(SignOnRefused, *connection.LOST):
                    await self._one_connection()
                await asyncio.sleep(BEAT_SECONDS)

    async def _one_connection(self) -> None:
        token = self.state.unused_token(self.config.token)
        uid, key = self.config.worker_uid, self.state.signing_key()
        link = await connection.sign_on(self.config.socket_url, worker_uid=uid, key=key, token=token)
        self.state.mark_enrolled(self.config.token)
        await link.send(protocol.SignOn(inventory=self.inventory, holding=[*self.items]))
        self.link = link
        beat = asyncio.create_task(self._beat(link))
        try:
            while True:
                await self._hear(await link.receive())
        finally:
            beat.cancel()
            with contextlib.suppress(*connection.LOST):
                await link.send(protocol.SignOff(reason="The curtain falls."))
            await link.close()

    async def _hear(self, message: protocol.ToNode) -> None:
        match message:
            case protocol.Assign(items=items):
                self.items |= {(item.work_id, item.attempt): item for item in items}
                await self.link.send(protocol.Received(items=[(item.work_id, item.attempt) for item in items]))
            case protocol.UploadGrant() | protocol.Recorded():
                self.answers[message.work_id, message.attempt].put_nowait(message)
            case protocol.Cancel(items=keys):
                for key in map(tuple, keys):
                    self.items.pop(key, None)

    async def _beat(self, link: Connection) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await link.send(protocol.Heartbeat(holding=[*self.items], **self.gauges))

    # The strings -------------------------------------------------------------------------------------------------------

    def start(self, key: Key) -> None:
        self._do(self.link.send(protocol.Started(work_id=key[0], attempt=key[1])))

    def progress(self, key: Key, fraction: float, note: str) -> None:
        self._do(self.link.send(protocol.Progress(work_id=key[0], attempt=key[1], fraction=fraction, note=note)))

    def say(self, key: Key, text: str, offset: int = 0) -> None:
        self._do(self.link.send(protocol.LogLines(work_id=key[0], attempt=key[1], offset=offset, text=text)))

    def deliver(self, key: Key, *, seconds: float, log: str = "Saved\n") -> None:
        """Rendered, sent and recorded; the frame is being checked then."""
        self._do(self._deliver(key, seconds, log))

    def fail(self, key: Key, reason: str, detail: str = "") -> None:
        message = protocol.Failed(work_id=key[0], attempt=key[1], reason=reason, detail=detail, log_tail=f"{detail}\n")
        self._do(self._report(key, message, protocol.Recorded))
        self.items.pop(key, None)

    async def _deliver(self, key: Key, seconds: float, log: str) -> None:
        names = {"work_id": key[0], "attempt": key[1]}
        pixels, content = await asyncio.to_thread(picture, self.items[key].spec)
        result = result_of(pixels, content, seconds)
        grant = await self._report(key, protocol.Rendered(**names, result=result), protocol.UploadGrant)
        (await self.client.patch(grant.url, content=content, headers={"Upload-Offset": "0"})).raise_for_status()
        await self._report(key, protocol.Done(**names, result=result, log_tail=log), protocol.Recorded)
        self.items.pop(key, None)

    async def _report(self, key: Key, message: protocol.Message, kind: type):
        await self.link.send(message)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not isinstance(answer := await self.answers[key].get(), kind):
                pass
        assert not getattr(answer, "stale", False), f"{message} came too late"
        return answer


LEASED = """SELECT work.id, lease.attempt FROM workers_lease lease JOIN workers_work work ON work.id = lease.work_id
            JOIN rendering_task task ON work.kind = 'render' AND task.id = work.reference
            WHERE task.job_id = %s AND task.frame = %s AND lease.place IS NOT NULL"""


@dataclass(frozen=True)
class Play:
    """One job on the puppet: frames are named by their numbers."""

    creator: object
    node: Puppet
    job: int

    @property
    def path(self) -> str:
        return f"/rendering/jobs/{self.job}/"

    def post(self, verb: str, **fields) -> None:
        self.creator.post(f"{self.path}{verb}/", **fields)

    def held(self, frame: int) -> Key:
        """The puppet has this frame."""
        return await_that(lambda: self._held(frame), f"frame {frame} on the puppet", seconds=PATIENCE_SECONDS)

    def _held(self, frame: int) -> Key | None:
        leased = self.creator.ask(LEASED, self.job, frame)
        return leased[0] if leased and leased[0] in self.node.items else None

    def start(self, frame: int) -> None:
        self.node.start(self.held(frame))

    def progress(self, frame: int, fraction: float, note: str = "") -> None:
        self.node.progress(self.held(frame), fraction, note)

    def say(self, frame: int, text: str, offset: int = 0) -> None:
        self.node.say(self.held(frame), text, offset)

    def fail(self, frame: int, reason: str, detail: str = "") -> None:
        key = self.held(frame)
        self.node.start(key)
        self.node.fail(key, reason, detail)

    def render(self, *frames: int, seconds: float = 2.0) -> None:
        """In the order in which the server gives them out."""
        for frame in frames:
            key = self.held(frame)
            self.node.start(key)
            self.node.deliver(key, seconds=seconds)

    def accepted(self, *frames: int, seconds: float = 2.0) -> None:
        """Rendered, and through the checks."""
        self.render(*frames, seconds=seconds)
        query = "SELECT count(*) FROM rendering_task WHERE job_id = %s AND status = 'accepted' AND frame = ANY(%s)"
        await_that(lambda: self.creator.ask(query, self.job, list(frames))[0][0] == len(frames), f"frames {frames} accepted")
