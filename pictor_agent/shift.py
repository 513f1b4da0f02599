"""A node's time online: sign on, take assignments, run them slot by slot, report until recorded, sign off.

The socket may break at any moment: work goes on, and what is due is said again after the next sign-on. Every attempt
is named by (work_id, attempt); what the server no longer wants ends with Cancel or a stale Recorded.
"""

import asyncio
import contextlib
import random
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path

from pictor_agent import connection, files, protocol
from pictor_agent.config import Config, State
from pictor_agent.connection import Backoff, Connection, ProtocolBroken, SignOnRefused
from pictor_agent.files import FileStore, UploadFailed, UrlExpired
from pictor_agent.outbox import Key, Outbox, Report
from pictor_agent.probe import Probe
from pictor_agent.runner import RunFailed, Runner, versions_offered
from pictor_agent.terminal import Terminal

RESEND_SECONDS = 15.0  # a report without an answer is said again
PROGRESS_SECONDS = 0.5
URL_SECONDS = 30.0  # how long to wait for fresh file URLs
UPLOADS_MAX = 2
UPLOAD_GRANTS_MAX = 20  # then the upload has failed
HEARTBEAT_JITTER = 0.1
HEARTBEAT_SECONDS_MIN = 0.05
SIGN_OFF_SECONDS = 3.0
STABLE_SECONDS = 5.0  # a connection that lasted this long ends the back-off; one that is dropped at once does not


@dataclass(eq=False)
class Held:
    """An assignment on this node, from its arrival to its result."""

    item: protocol.Assignment
    scene: asyncio.Task | None = None  # fetches the files
    running: asyncio.Task | None = None
    started: bool = False
    urls: asyncio.Queue = field(default_factory=asyncio.Queue)
    progress_at: float = 0.0

    @property
    def key(self) -> Key:
        return self.item.work_id, self.item.attempt

    @property
    def words(self) -> str:
        return f"frame {self.item.spec.frame} (work {self.item.work_id}, attempt {self.item.attempt})"


@dataclass(eq=False)
class Delivery:
    """A report on its way to being recorded; the server's answers wake it."""

    report: Report
    answers: asyncio.Queue = field(default_factory=asyncio.Queue)
    task: asyncio.Task | None = None


@dataclass(eq=False)
class Shift:
    """One node's life. `run` returns an exit status; `drain` asks it to end."""

    config: Config
    state: State
    runner: Runner
    store: FileStore
    outbox: Outbox
    probe: Probe
    terminal: Terminal
    backoff: Backoff = field(default_factory=Backoff)

    link: Connection | None = None
    held: dict[Key, Held] = field(default_factory=dict)
    deliveries: dict[Key, Delivery] = field(default_factory=dict)
    lanes: dict[int, asyncio.Queue] = field(default_factory=dict)  # slot -> assignments in order of arrival
    report_seconds: float = 5.0
    draining: bool = False
    _tasks: set[asyncio.Task] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)  # something ended, or an end is wanted
    _hurry: asyncio.Event = field(default_factory=asyncio.Event)
    _uploads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(UPLOADS_MAX))

    # The outer loop ---------------------------------------------------------------------------------------------------

    async def run(self) -> int:
        """Stay signed on until drained or refused for good. Returns the exit status."""
        for report in self.outbox.reports():
            self._deliver(report)
        stay = asyncio.create_task(self._stay_connected())
        end = asyncio.create_task(self._until_drained())
        try:
            await asyncio.wait({stay, end}, return_when=asyncio.FIRST_COMPLETED)
            if stay.done():
                return stay.result()
            await self._sign_off()
            return 0
        finally:
            await self._stop({stay, end, *self._tasks})

    async def _stop(self, tasks: set[asyncio.Task]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.link:
            await self.link.close()

    async def _stay_connected(self) -> int:
        """Connect, and again when the connection is lost; returns only when refused for good."""
        while True:
            try:
                await self._one_connection()
            except SignOnRefused as refused:
                self.terminal.say(f"The server refuses this node ({refused.code}): {refused.words}", "bad")
                if not refused.retry:
                    return 2
            except ProtocolBroken as error:
                self.terminal.say(f"The server does not speak our protocol: {error}", "bad")
            except connection.LOST as error:
                self.terminal.say(f"No connection to {self.config.server_url}: {error or type(error).__name__}", "warn")
            pause = self.backoff.next_seconds()
            self.terminal.say(f"Trying again in {pause:.1f} s", "quiet")
            await asyncio.sleep(pause)

    async def _one_connection(self) -> None:
        config, token = self.config, self.config.token
        link = await connection.sign_on(
            config.socket_url,
            worker_uid=config.worker_uid,
            key=self.state.signing_key(),
            token=self.state.unused_token(token),
        )
        signed_on_at = asyncio.get_running_loop().time()
        try:
            self.state.mark_enrolled(token)
            self._welcomed(link)
            await self._signed_on(link)
        finally:
            self.link = None
            if asyncio.get_running_loop().time() - signed_on_at > STABLE_SECONDS:
                self.backoff.reset()
            self._changed.set()
            await link.close()

    def _welcomed(self, link: Connection) -> None:
        self.report_seconds = link.welcome.report_seconds
        self.terminal.say(f"Signed on as {link.welcome.worker_name} at {self.config.server_url}", "ok")

    async def _signed_on(self, link: Connection) -> None:
        await link.send(protocol.SignOn(inventory=self._inventory(), holding=self.holding()))
        self.link = link
        await self._repeat_what_is_due()
        beats = asyncio.create_task(self._heartbeats(link))
        try:
            while True:
                await self._take(await link.receive())
        finally:
            beats.cancel()

    def _inventory(self) -> protocol.Inventory:
        return self.probe.inventory(
            blender_versions=versions_offered(self.runner.environments),
            isolation=self.runner.sandbox.isolation,
            unsandboxed_allowed=self.config.allow_unsandboxed,
        )

    def holding(self) -> list[Key]:
        """Attempts that live here: waiting, running, or rendered and on their way."""
        return sorted(self.held.keys() | self.deliveries.keys())[:1_000]

    async def _repeat_what_is_due(self) -> None:
        """After a sign-on: what the server may have missed."""
        if self.draining:
            await self.send(protocol.Draining(reason="the node is shutting down"))
        for delivery in list(self.deliveries.values()):  # first: Rendered frees the place of what has started
            await self.send(delivery.report.message())
        for held in list(self.held.values()):
            if held.started:
                await self.send(protocol.Started(work_id=held.item.work_id, attempt=held.item.attempt))

    async def _heartbeats(self, link: Connection) -> None:
        while True:
            jitter = 1 + random.uniform(-HEARTBEAT_JITTER, HEARTBEAT_JITTER)
            await asyncio.sleep(max(self.report_seconds * jitter, HEARTBEAT_SECONDS_MIN))
            with contextlib.suppress(*connection.LOST):
                await link.send(self.probe.heartbeat(self.holding()))

    async def send(self, message: protocol.Message) -> bool:
        """Say it now, if there is a connection. What must arrive is repeated by its owner."""
        if self.link is None:
            return False
        try:
            await self.link.send(message)
        except connection.LOST:
            return False
        return True

    # What the server says ---------------------------------------------------------------------------------------------

    async def _take(self, message: protocol.ToNode) -> None:
        match message:
            case protocol.Assign():
                await self._assigned(message.items)
            case protocol.Cancel():
                for work_id, attempt in message.items:
                    self._cancel((work_id, attempt), message.reason)
            case protocol.Urls():
                if held := self.held.get((message.work_id, message.attempt)):
                    held.urls.put_nowait(message.urls)
            case protocol.UploadGrant() | protocol.Recorded():
                self._answered(message)
            case protocol.Pace():
                self.report_seconds = message.report_seconds

    async def _assigned(self, items: list[protocol.Assignment]) -> None:
        """Take assignments on; one that came before is only acknowledged again."""
        if self.draining:
            return  # unacknowledged, it returns to the queue
        for item in items:
            if (item.work_id, item.attempt) not in self.held and (item.work_id, item.attempt) not in self.deliveries:
                self._accept(item)
        await self.send(protocol.Received(items=[(item.work_id, item.attempt) for item in items]))

    def _accept(self, item: protocol.Assignment) -> None:
        for old in [held for held in self.held.values() if held.item.work_id == item.work_id]:
            self._cancel(old.key, "a newer attempt came")
        held = Held(item)
        self.held[held.key] = held
        self.store.hold(item.spec.scene_key)
        held.scene = self._start(self._fetch(held))
        if item.slot not in self.lanes:
            self.lanes[item.slot] = asyncio.Queue()
            self._start(self._lane(self.lanes[item.slot]))
        self.lanes[item.slot].put_nowait(held)

    def _cancel(self, key: Key, reason: str) -> None:
        """Stop an attempt at once and forget it; nothing is reported."""
        if held := self.held.get(key):
            self.terminal.say(f"Cancelled {held.words}: {reason}", "warn")
            self._forget(held)
        if delivery := self.deliveries.pop(key, None):
            if delivery.task:
                delivery.task.cancel()
            self.outbox.remove(key)
        self._changed.set()

    def _forget(self, held: Held) -> None:
        if self.held.pop(held.key, None) is None:
            return
        self.store.release(held.item.spec.scene_key)
        for task in (held.scene, held.running):
            if task:
                task.cancel()
        self._changed.set()

    def _answered(self, message: protocol.UploadGrant | protocol.Recorded) -> None:
        if delivery := self.deliveries.get((message.work_id, message.attempt)):
            delivery.answers.put_nowait(message)

    # Running ----------------------------------------------------------------------------------------------------------

    async def _fetch(self, held: Held) -> Path:
        """The files of an assignment; begins when it arrives, so the next scene is here before its turn."""
        return await self.store.scene(held.item.spec, lambda sha256: self._renew_url(held, sha256))

    async def _renew_url(self, held: Held, sha256: str) -> str:
        work_id, attempt = held.key
        await self.send(protocol.NeedUrls(work_id=work_id, attempt=attempt))
        try:
            async with asyncio.timeout(URL_SECONDS):
                urls = await held.urls.get()
            held.urls.put_nowait(urls)  # for the other files of the same assignment
            return urls[sha256]
        except (TimeoutError, KeyError):
            raise RunFailed("asset_missing", "the server gave no fresh URL for a file") from None

    async def _lane(self, queue: asyncio.Queue) -> None:
        """Run one slot's assignments, one after the other, without a pause between."""
        while True:
            held = await queue.get()
            if held.key not in self.held or self.draining:
                continue
            held.running = self._start(self._run(held))
            await asyncio.wait({held.running})

    async def _run(self, held: Held) -> None:
        """One attempt, from its files to a report in the outbox."""
        try:
            report = await self._render(held)
        except asyncio.CancelledError:
            self.outbox.remove(held.key)
            raise
        except RunFailed as error:
            report = self._failed(held, error.reason, error.detail, error.log_tail)
        except Exception as error:  # a fault of ours must not stop the lane
            report = self._failed(held, "agent_error", f"{type(error).__name__}: {error}"[:500])
        await self._finished(held, report)

    async def _render(self, held: Held) -> Report:
        assert held.scene is not None
        scene = await held.scene
        held.started = True
        work_id, attempt = held.key
        await self.send(protocol.Started(work_id=work_id, attempt=attempt))
        picture = self.outbox.picture_path(held.key)
        rendered = await self.runner.render(held.item.spec, scene, picture, lambda *told: self._progress(held, *told))
        self.terminal.say(f"Rendered {held.words} in {rendered.result.render_seconds:.1f} s", "ok")
        return Report(work_id=work_id, attempt=attempt, stage="rendered", result=rendered.result, log_tail=rendered.log_tail)

    def _failed(self, held: Held, reason: protocol.FailureReason, detail: str, log_tail: str = "") -> Report:
        self.terminal.say(f"Failed {held.words}: {reason} {detail}", "bad")
        work_id, attempt = held.key
        return Report(work_id=work_id, attempt=attempt, stage="failed", reason=reason, detail=detail, log_tail=log_tail)

    async def _finished(self, held: Held, report: Report) -> None:
        """Keep the report and say it before the next one starts: the server then knows that the place is free."""
        await asyncio.to_thread(self.outbox.put, report)
        if held.key not in self.held:  # cancelled while it was being written
            self.outbox.remove(held.key)
            return
        delivery = self._deliver(report)
        held.running = None  # so that forgetting does not cancel ourselves
        self._forget(held)
        await self.send(delivery.report.message())

    def _progress(self, held: Held, fraction: float, note: str) -> None:
        now = asyncio.get_running_loop().time()
        self.terminal.progress(f"{held.words} {note}", fraction)
        if now - held.progress_at >= PROGRESS_SECONDS:
            held.progress_at = now
            work_id, attempt = held.key
            self._start(self.send(protocol.Progress(work_id=work_id, attempt=attempt, fraction=fraction, note=note)))

    # Reporting --------------------------------------------------------------------------------------------------------

    def _deliver(self, report: Report) -> Delivery:
        delivery = Delivery(report)
        self.deliveries[report.key] = delivery
        delivery.task = self._start(self._until_recorded(delivery))
        return delivery

    async def _until_recorded(self, delivery: Delivery) -> None:
        """Repeat the report until the server records it, sending the frame when it grants a place for it."""
        grants = 0
        while True:
            answer = await self._next_answer(delivery)
            if isinstance(answer, protocol.Recorded):
                break
            if isinstance(answer, protocol.UploadGrant) and delivery.report.stage == "rendered":
                grants += 1
                await self._upload(delivery, answer.url, last=grants >= UPLOAD_GRANTS_MAX)
            await self.send(delivery.report.message())
        self.outbox.remove(delivery.report.key)
        self.deliveries.pop(delivery.report.key, None)
        self._changed.set()

    async def _next_answer(self, delivery: Delivery):
        """What the server said, or None when the report is to be repeated."""
        try:
            async with asyncio.timeout(RESEND_SECONDS):
                return await delivery.answers.get()
        except TimeoutError:
            return None

    async def _upload(self, delivery: Delivery, url: str, *, last: bool) -> None:
        """Send the frame. On success the report becomes "done"; otherwise it stays, and asks for a new grant."""
        report = delivery.report
        try:
            async with self._uploads:
                await files.upload(self.store.client, self.outbox.picture_path(report.key), url)
            report.stage = "done"
        except (UrlExpired, UploadFailed) as error:
            if not last:
                return
            report.stage, report.reason, report.detail = "failed", "upload_failed", str(error)
        await asyncio.to_thread(self.outbox.put, report)

    # The end ----------------------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Finish what runs, hand back the rest, then end. Asked twice: end now."""
        if self.draining:
            self._hurry.set()
        self.draining = True
        self._changed.set()

    async def _until_drained(self) -> None:
        """Returns when the shift should end: asked to, and nothing is left that a connection could still settle."""
        while not self.draining:
            await self._next_change()
        self.terminal.say("Finishing what runs; once more to stop at once", "warn")
        await self.send(protocol.Draining(reason="the node is shutting down"))
        await self._hand_back([held for held in self.held.values() if not held.running])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.config.drain_seconds):
                while self._is_busy() and not self._hurry.is_set():
                    await self._next_change()
        await self._hand_back(list(self.held.values()))

    def _is_busy(self) -> bool:
        """Frames run, or reports wait and there is a server to take them; without one they keep until the next start."""
        return bool(self.held) or (bool(self.deliveries) and self.link is not None)

    async def _hand_back(self, given_up: list[Held]) -> None:
        for held in given_up:
            self._forget(held)
            work_id, attempt = held.key
            await self.send(protocol.Failed(work_id=work_id, attempt=attempt, reason="shutting_down"))

    async def _sign_off(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SIGN_OFF_SECONDS):
                await self.send(protocol.SignOff(reason="stopped by its owner"))
        self.terminal.say("Signed off", "quiet")

    async def _next_change(self) -> None:
        """Wait until something has ended or the end is asked for."""
        change = asyncio.create_task(self._changed.wait())
        hurry = asyncio.create_task(self._hurry.wait())
        try:
            await asyncio.wait({change, hurry}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            change.cancel()
            hurry.cancel()
        self._changed.clear()

    def _start(self, work: Coroutine) -> asyncio.Task:
        """Run beside; the shift ends with none of these left."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever awaits it deals with it; nobody must not mean a warning at exit
