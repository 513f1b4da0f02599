"""Attempts on this node, slot by slot: fetch the files, render, tell of it on the way, leave a report in the outbox.

Two frames of a slot overlap: while one picture is described, kept and reported, the next one renders. Not more: a picture
that is ready before the last one is reported waits on disk, and its slot with it.
"""

import asyncio
import contextlib
import math
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict, TypeVar

from pictor_agent import protocol
from pictor_agent.alone import Alone
from pictor_agent.attempt_log import AttemptLog
from pictor_agent.deliveries import Deliveries
from pictor_agent.files import FULL, FileStore
from pictor_agent.line import Line
from pictor_agent.measuring import Measuring
from pictor_agent.outbox import Key, Report
from pictor_agent.runner import RunFailed, Runner, Shot
from pictor_agent.terminal import Terminal

PROGRESS_SECONDS = 0.5
LOG_SECONDS = 1.0
URL_SECONDS = 30.0  # how long to wait for fresh file URLs
COMMIT_SECONDS = 5.0  # a commitment without an answer is said again

T = TypeVar("T")


class Names(TypedDict):
    """What every message and report about an attempt says first."""

    work_id: int
    attempt: int


@dataclass(eq=False)
class Held:
    """An assignment on this node, from its arrival to its result."""

    item: protocol.Assignment
    scene: asyncio.Task | None = None  # fetches the files
    running: asyncio.Task | None = None  # until Blender is free of it
    ending: bool = False  # its picture, or its failure, is on the way into the outbox, or next: no longer to be stopped
    started: bool = False
    urls: asyncio.Queue = field(default_factory=asyncio.Queue)
    shows: asyncio.Queue = field(default_factory=asyncio.Queue)
    progress_at: float = -math.inf
    fraction: float = 0.0
    note: str = ""  # of the newest progress
    log: AttemptLog = field(default_factory=AttemptLog)

    @property
    def key(self) -> Key:
        return self.item.work_id, self.item.attempt

    @property
    def is_waiting(self) -> bool:
        return self.running is None and not self.ending

    @property
    def title(self) -> str:
        """For people: "frame 12 of carousel.blend"."""
        spec = self.item.spec
        return f"{spec.words} of {spec.main_path}" if isinstance(spec, protocol.RenderSpec) else spec.words

    @property
    def names(self) -> Names:
        return {"work_id": self.item.work_id, "attempt": self.item.attempt}

    @property
    def words(self) -> str:
        return f"{self.item.spec.words} (work {self.item.work_id}, attempt {self.item.attempt})"


class Lane:
    """One slot: its assignments in order of arrival, and the lock of the one attempt that is being ended."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[Held] = asyncio.Queue()
        self.ending = asyncio.Lock()


@dataclass(eq=False)
class Attempts:
    """Whatever is assigned and has no result yet. One lane per slot, one attempt at a time in Blender."""

    line: Line
    runner: Runner
    store: FileStore
    deliveries: Deliveries
    terminal: Terminal
    held: dict[Key, Held] = field(default_factory=dict)
    lanes: dict[int, Lane] = field(default_factory=dict)  # by slot
    alone: Alone = field(default_factory=Alone)
    closed: bool = False  # nothing further begins
    rendered_on: str = ""  # the device of the last picture

    def accept(self, item: protocol.Assignment) -> None:
        """Take an assignment on; one that came before is the same one."""
        if (item.work_id, item.attempt) in self.held or (item.work_id, item.attempt) in self.deliveries.due:
            return
        for old in [held for held in self.held.values() if held.item.work_id == item.work_id]:
            self.cancel(old.key, "a newer attempt came")
        held = Held(item)
        self.held[held.key] = held
        self.store.hold(item.spec.picture.scene_key)
        held.scene = self.line.start(self._fetch(held))
        if item.slot not in self.lanes:
            self.lanes[item.slot] = Lane()
            self.line.start(self._work_through(self.lanes[item.slot]))
        self.lanes[item.slot].waiting.put_nowait(held)

    def cancel(self, key: Key, reason: str) -> None:
        """Stop an attempt at once, wherever it is, and forget it; nothing is reported."""
        if held := self.held.get(key):
            self.terminal.say(f"Cancelled {held.words}: {reason}", "warn")
            self.forget(held)
        self.deliveries.forget(key)

    def forget(self, held: Held) -> None:
        if self.held.pop(held.key, None) is None:
            return
        self.store.release(held.item.spec.picture.scene_key)
        for task in (held.scene, held.running):
            if task:
                task.cancel()
        self.line.changed.set()

    def give_urls(self, message: protocol.Urls) -> None:
        if held := self.held.get((message.work_id, message.attempt)):
            held.urls.put_nowait(message.urls)

    def give_show(self, message: protocol.Show) -> None:
        if held := self.held.get((message.work_id, message.attempt)):
            held.shows.put_nowait(message)

    async def repeat(self) -> None:
        """After a sign-on: what the server may have missed."""
        for held in list(self.held.values()):
            if held.started:
                await self.line.send(protocol.Started(**held.names))

    # Fetching ---------------------------------------------------------------------------------------------------------

    async def _fetch(self, held: Held) -> Path:
        """The files of an assignment; begins when it arrives, so the next scene is here before its turn."""
        return await self.store.scene(held.item.spec.picture, lambda sha256: self._renew_url(held, sha256))

    async def _renew_url(self, held: Held, sha256: str) -> str:
        await self.line.send(protocol.NeedUrls(**held.names))
        try:
            async with asyncio.timeout(URL_SECONDS):
                urls = await held.urls.get()
            held.urls.put_nowait(urls)  # for the other files of the same assignment
            return urls[sha256]
        except (TimeoutError, KeyError):
            raise RunFailed("asset_missing", "the server gave no fresh URL for a file") from None

    # Running ----------------------------------------------------------------------------------------------------------

    async def _work_through(self, lane: Lane) -> None:
        """Run one slot's assignments, one after the other; the next begins when Blender is free."""
        while True:
            held = await lane.waiting.get()
            if held.key not in self.held or self.closed:
                continue
            held.running = self.line.start(self._run(held, lane))
            await asyncio.wait({held.running})  # also after a cancel: the next begins when the process is gone

    async def _run(self, held: Held, lane: Lane) -> None:
        """One attempt in Blender; what comes of it is ended beside the next one, when the one before has ended."""
        try:
            outcome = await self._or_failure(held, self._do(held))
            held.ending = True
            await lane.ending.acquire()
        except asyncio.CancelledError:
            self.deliveries.outbox.remove(held.key)
            raise
        held.running = None
        self.line.start(self._end(held, lane, outcome))

    async def _do(self, held: Held) -> Shot | Report:
        assert held.scene is not None
        scene = await held.scene
        match held.item.spec:
            case protocol.RenderSpec() as spec:
                async with self.alone.beside_others():
                    await self._say_started(held)
                    return await self._shoot(held, spec, scene)
            case protocol.BenchmarkSpec() as spec:
                async with self.alone.by_itself():
                    await self._say_started(held)
                    return await self._measure(held, spec, scene)

    async def _say_started(self, held: Held) -> None:
        held.started = True
        await self.line.send(protocol.Started(**held.names))

    async def _shoot(self, held: Held, spec: protocol.RenderSpec, scene: Path) -> Shot:
        picture = self.deliveries.outbox.picture_path(held.key)
        telling = self.line.start(self._tell_log(held))
        try:
            return await self.runner.shoot(spec, scene, picture, lambda *told: self._progress(held, *told), held.log)
        finally:
            telling.cancel()

    async def _measure(self, held: Held, spec: protocol.BenchmarkSpec, scene: Path) -> Report:
        target = self.deliveries.outbox.picture_path(held.key)
        measuring = Measuring(self.runner, spec, scene, target, lambda *told: self._progress(held, *told))
        result = await measuring.run(lambda root, part: self._commit(held, root, part))
        self.terminal.say(f"Measured {held.words}: the canary frame took {result.render_seconds:.1f} s", "ok")
        return Report(**held.names, stage="rendered", result=result)

    async def _commit(self, held: Held, root: bytes, part: protocol.Part) -> protocol.Show:
        """Say it until the server answers; answers to what was said twice before are passed over."""
        while True:
            await self.line.send(protocol.Committed(**held.names, root=root, part=part))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(COMMIT_SECONDS):
                    while (show := await held.shows.get()).part != part:
                        pass
                    return show

    async def _end(self, held: Held, lane: Lane, outcome: Shot | Report) -> None:
        """From a picture, or a failure, to a report that is kept and said. A cancel meanwhile only has it forgotten."""
        try:
            report = outcome if isinstance(outcome, Report) else await self._or_failure(held, self._describe(held, outcome))
            await self._finished(held, report)
        finally:
            lane.ending.release()

    async def _describe(self, held: Held, shot: Shot) -> Report:
        rendered = await self.runner.describe(shot)
        self.rendered_on = rendered.result.device or "CPU"
        self.terminal.say(f"Rendered {held.words} in {rendered.result.render_seconds:.1f} s", "ok")
        return Report(**held.names, stage="rendered", result=rendered.result, log_tail=rendered.log_tail)

    async def _or_failure(self, held: Held, work: Awaitable[T]) -> T | Report:
        """What `work` gives, or the report of why it gave nothing."""
        try:
            return await work
        except RunFailed as error:
            return self._failed(held, error.reason, error.detail, error.log_tail)
        except OSError as error:
            return self._failed(held, "disk_full" if error.errno in FULL else "agent_error", str(error)[:500])
        except Exception as error:  # a fault of ours must not stop the lane
            return self._failed(held, "agent_error", f"{type(error).__name__}: {error}"[:500])

    def _failed(self, held: Held, reason: protocol.FailureReason, detail: str, log_tail: str = "") -> Report:
        self.terminal.say(f"Failed {held.words}: {reason} {detail}", "bad")
        return Report(**held.names, stage="failed", reason=reason, detail=detail, log_tail=log_tail)

    async def _finished(self, held: Held, report: Report) -> None:
        """Keep the report, then say it: the server then knows that the place is free."""
        if held.key in self.held:
            report = await self._kept(held, report)
        if held.key not in self.held:  # cancelled meanwhile
            self.deliveries.outbox.remove(held.key)
            return
        delivery = self.deliveries.add(report)
        self.forget(held)
        await self.line.send(delivery.report.message())

    async def _kept(self, held: Held, report: Report) -> Report:
        """The report, in the outbox; where the disk does not even take that, a failure that is only remembered."""
        try:
            await asyncio.to_thread(self.deliveries.outbox.put, report)
        except OSError as error:
            self.deliveries.outbox.remove(held.key)
            return self._failed(held, "disk_full", str(error))
        return report

    # Telling ----------------------------------------------------------------------------------------------------------

    def _progress(self, held: Held, fraction: float, note: str) -> None:
        now = asyncio.get_running_loop().time()
        held.fraction, held.note = fraction, note
        self.terminal.progress(f"{held.words} {note}", fraction)
        if now - held.progress_at >= PROGRESS_SECONDS:
            held.progress_at = now
            self.line.start(self.line.send(protocol.Progress(**held.names, fraction=fraction, note=note)))

    async def _tell_log(self, held: Held) -> None:
        """Stream what was printed, at most a message a second; the tail goes with the report."""
        while True:
            if fresh := held.log.fresh():
                offset, text = fresh
                await self.line.send(protocol.LogLines(**held.names, offset=offset, text=text))
            await asyncio.sleep(LOG_SECONDS)
