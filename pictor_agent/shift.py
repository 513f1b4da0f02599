"""A node's time online: sign on, take assignments, run them slot by slot, report until recorded, sign off.

The socket may break at any moment: work goes on, and what is due is said again after the next sign-on. Every attempt
is named by (work_id, attempt); what the server no longer wants ends with Cancel or a stale Recorded.
"""

import asyncio
import contextlib
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from pictor_agent import checklist, connection, protocol
from pictor_agent.abilities import CYCLES_ALONE, Abilities, find_abilities
from pictor_agent.attempts import Attempts, Held
from pictor_agent.config import Config, State
from pictor_agent.connection import Backoff, Connection, ProtocolBroken, SignOnRefused
from pictor_agent.deliveries import Deliveries
from pictor_agent.files import FileStore
from pictor_agent.line import Line
from pictor_agent.outbox import Key, Outbox
from pictor_agent.probe import Probe
from pictor_agent.restraint import WORDS, Look, Restraint
from pictor_agent.runner import Runner
from pictor_agent.selftest import SelfTest
from pictor_agent.terminal import Terminal
from pictor_agent.updating.halting import in_own_thread
from pictor_agent.updating.manifest import NotUpdated
from pictor_agent.updating.releases import Release
from pictor_agent.updating.updates import Updates

REFUSED = 2  # exit status: the server will not have this node for good
HEARTBEAT_JITTER = 0.1
HEARTBEAT_SECONDS_MIN = 0.05
SIGN_OFF_SECONDS = 3.0
STEP_MARKS = {"done": "[x]", "failed": "[!]", "open": "[ ]"}  # read in a file too, where there are no colours
STEP_TONES = {"done": "ok", "failed": "bad", "open": "quiet"}
QUIET_SECONDS = 5.0  # between two looks whether the node has time to try itself
UPDATE_LOOK_SECONDS = 10.0  # between two looks whether a newer agent is there and allowed
QUIET_LOOKS = 3  # in a row, else the first frame of somebody who has just started everything would wait for it
STABLE_SECONDS = 5.0  # a connection that lasted this long ends the back-off; one that is dropped at once does not


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
    abilities: Abilities = CYCLES_ALONE

    self_test: SelfTest | None = None
    updates: Updates | None = None
    successor: Release | None = None  # the release that goes on when this shift has ended
    why_it_ends: str = "stopped by its owner"

    line: Line = field(default_factory=Line)
    report_seconds: float = 5.0
    restraint: Restraint = field(default_factory=Restraint)
    draining: bool = False
    tested: protocol.SelfTested | None = None

    # For the eyes of somebody on this machine: see pictor_agent.status.
    name: str = ""  # as the site calls it
    problem: str = ""  # why there is no connection
    last_beat: protocol.Heartbeat | None = None
    overview: protocol.Overview | None = None
    _asked_at: float = -math.inf

    _hurry: asyncio.Event = field(default_factory=asyncio.Event)
    _beat_now: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.cache_bytes = self.store.size_bytes_max  # what the machine itself was set up for
        self.deliveries = Deliveries(self.line, self.outbox, self.store.client)
        self.attempts = Attempts(self.line, self.runner, self.store, self.deliveries, self.terminal)

    # The outer loop ---------------------------------------------------------------------------------------------------

    async def run(self) -> int:
        """Stay signed on until drained or refused for good. Returns the exit status."""
        self.state.forget_beat()  # of an agent that was killed
        self.deliveries.add_what_is_due()
        self.line.start(self._try_itself())
        self.line.start(self._keep_up_to_date())
        stay = asyncio.create_task(self._stay_connected())
        end = asyncio.create_task(self._until_drained())
        try:
            await asyncio.wait({stay, end}, return_when=asyncio.FIRST_COMPLETED)
            if stay.done():
                return stay.result()
            await self._sign_off()
            return 0
        finally:
            if self.updates:
                self.updates.halt()
            await self.line.stop(stay, end)

    async def _stay_connected(self) -> int:
        """Connect, and again when the connection is lost; returns only when refused for good."""
        while True:
            try:
                await self._one_connection()
            except SignOnRefused as refused:
                self._not_connected(f"The server refuses this node ({refused.code}): {refused.words}", "bad")
                if not refused.retry:
                    return REFUSED
            except ProtocolBroken as error:
                self._not_connected(f"The server does not speak our protocol: {error}", "bad")
            except connection.LOST as error:
                self._not_connected(f"No connection to {self.config.server_url}: {error or type(error).__name__}", "warn")
            pause = self.backoff.next_seconds()
            self.terminal.say(f"Trying again in {pause:.1f} s", "quiet")
            await asyncio.sleep(pause)

    def _not_connected(self, words: str, tone: str) -> None:
        self.problem = words
        self.terminal.say(words, tone)

    async def _one_connection(self) -> None:
        config, token = self.config, self.config.token
        link = await connection.sign_on(
            config.socket_url,
            worker_uid=config.uid,
            key=self.state.signing_key(),
            token=self.state.unused_token(token),
        )
        signed_on_at = asyncio.get_running_loop().time()
        try:
            self.state.mark_enrolled(token)
            self._welcomed(link)
            await self._signed_on(link)
        finally:
            self.line.link = None
            self.state.forget_beat()
            if asyncio.get_running_loop().time() - signed_on_at > STABLE_SECONDS:
                self.backoff.reset()
            self.line.changed.set()
            await link.close()

    def _welcomed(self, link: Connection) -> None:
        self.report_seconds = link.welcome.report_seconds
        self.name, self.problem = link.welcome.worker_name, ""
        self.terminal.say(f"Signed on as {link.welcome.worker_name} at {self.config.server_url}", "ok")

    async def _signed_on(self, link: Connection) -> None:
        await link.send(protocol.SignOn(inventory=self.inventory(), holding=self.holding()))
        self.line.link = link
        self.state.mark_beat(self.report_seconds)
        if self.takes_nothing:
            self._beat_now.set()
        await self._repeat_what_is_due()
        beats = asyncio.create_task(self._heartbeats(link))
        try:
            while True:
                await self._take(await link.receive())
        finally:
            beats.cancel()

    def inventory(self) -> protocol.Inventory:
        return self.probe.inventory(
            blender_versions=self.runner.environments.offered(),
            isolation=self.runner.sandbox.isolation,
            unsandboxed_allowed=self.config.allow_unsandboxed,
            abilities=self.abilities,
        )

    def holding(self) -> list[Key]:
        """Attempts that live here: waiting, running, or rendered and on their way."""
        return sorted(self.attempts.held.keys() | self.deliveries.due.keys())[:1_000]

    async def _repeat_what_is_due(self) -> None:
        """After a sign-on: what the server may have missed."""
        if self.draining:
            await self.line.send(protocol.Draining(reason=self.why_it_ends))
        if self.tested:
            await self.line.send(self.tested)
        if self.updates:
            await self.line.send(self.updates.build())
        await self.deliveries.repeat()  # first: Rendered frees the place of what has started
        await self.attempts.repeat()

    async def _heartbeats(self, link: Connection) -> None:
        while True:
            jitter = 1 + random.uniform(-HEARTBEAT_JITTER, HEARTBEAT_JITTER)
            await self._until_the_next_beat(max(self.report_seconds * jitter, HEARTBEAT_SECONDS_MIN))
            with contextlib.suppress(*connection.LOST):
                await link.send(await self._beat())
                self.state.mark_beat(self.report_seconds)

    async def _until_the_next_beat(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._beat_now.wait()
        self._beat_now.clear()

    async def _beat(self) -> protocol.Heartbeat:
        beat = self.last_beat = self.probe.heartbeat(self.holding())
        now = asyncio.get_running_loop().time()
        unused_seconds = self.probe.unused_seconds()
        if self.restraint.look(Look(now, beat.gpus, beat.disk_free_bytes, unused_seconds, self.state.is_paused)):
            await self._rest_or_go_on()
        beat.limits_at, beat.resting = self.restraint.limits.at, self.restraint.resting
        return beat

    @property
    def takes_nothing(self) -> bool:
        """No new work for now, whether or not the server knows it yet."""
        return bool(self.restraint.resting) or self.state.is_paused

    async def _rest_or_go_on(self) -> None:
        """What renders is finished; what waits goes back, and whatever comes is not taken."""
        if not self.restraint.resting:
            return self.terminal.say("Takes work again", "ok")
        self.terminal.say(f"Takes no new work: {WORDS[self.restraint.resting]}", "warn")
        await self._hand_back([held for held in self.attempts.held.values() if held.is_waiting], reason="paused")

    async def _try_itself(self) -> None:
        """When there is nothing else to do: frames come first, and one that was rendered proves as much."""
        if self.self_test is None:
            return
        self.tested = self.self_test.begun()
        quiet = 0
        while quiet < QUIET_LOOKS:
            await asyncio.sleep(QUIET_SECONDS)
            quiet = 0 if self._has_something_to_do() else quiet + 1
        if self.attempts.rendered_on:
            return await self._tell(self.self_test.by_a_frame(self.attempts.rendered_on))
        had = bool(self.runner.environments)
        if not had:
            await self._tell(self.tested)  # the list, before minutes of fetching
        if problem := await self.self_test.fetch():
            return await self._tell(protocol.SelfTested(blender_problem=problem))
        if not had:
            await self._look_again()
        await self._tell(await self.self_test.run())

    def _has_something_to_do(self) -> bool:
        return self.line.link is None or self.draining or (bool(self.attempts.held) and not self.attempts.rendered_on)

    async def _look_again(self) -> None:
        """With the first Blender it can be told what it renders on: another sign-on says so."""
        assert self.self_test is not None
        await self._tell(self.self_test.begun())
        before, self.abilities = self.abilities, await find_abilities(self.runner.environments, self.runner.sandbox)
        if self.abilities != before and self.line.link is not None:
            await self.line.link.close()

    async def _tell(self, tested: protocol.SelfTested) -> None:
        self.tested = tested
        await self.line.send(tested)
        all_steps = checklist.steps(self.seen())
        for step in all_steps:
            self.terminal.say(f"{STEP_MARKS[step.state]} {step.title}", STEP_TONES[step.state])
        if following := checklist.next_step(all_steps):
            self.terminal.say(f"Next: {following.action} {following.command}".rstrip())

    def seen(self) -> checklist.Seen:
        """Of the set-up, as the server sees it."""
        inventory, tested = self.inventory(), self.tested or protocol.SelfTested()
        return checklist.Seen(
            signed_on=self.line.link is not None,
            ever=True,
            drivers=checklist.drivers_of(inventory.gpus),
            device=inventory.device,
            isolation=inventory.isolation,
            unsandboxed_allowed=inventory.unsandboxed_allowed,
            blenders=tested.blender_versions,
            blender_problem=tested.blender_problem,
            self_test=tested.passed,
            self_test_words=tested.words,
        )

    # What somebody on this machine says -----------------------------------------------------------------------------------

    async def pause(self, *, at_once: bool) -> None:
        """No further work until `resume`. What renders is finished, or, `at_once`, given back unpaid.

        Raises:
            OSError: the pause cannot be kept; the node goes on.
        """
        self.state.pause()
        self._beat_now.set()
        if at_once:
            await self._hand_back([held for held in self.attempts.held.values() if not held.ending], reason="paused")

    def resume(self) -> None:
        self.state.resume()
        self._beat_now.set()

    async def ask_overview(self, *, older_than_seconds: float = protocol.OVERVIEW_SECONDS) -> None:
        """While somebody looks: how the node stands on the site, when that is not known or old."""
        now = asyncio.get_running_loop().time()
        if now - self._asked_at > older_than_seconds and await self.line.send(protocol.AskOverview()):
            self._asked_at = now

    # What the server says ---------------------------------------------------------------------------------------------

    async def _take(self, message: protocol.ToNode) -> None:
        match message:
            case protocol.Assign():
                await self._assigned(message.items)
            case protocol.Cancel():
                for work_id, attempt in message.items:
                    self.attempts.cancel((work_id, attempt), message.reason)
            case protocol.Urls():
                self.attempts.give_urls(message)
            case protocol.Show():
                self.attempts.give_show(message)
            case protocol.UploadGrant() | protocol.Recorded():
                self.deliveries.answered(message)
            case protocol.Pace():
                self.report_seconds = message.report_seconds
            case protocol.Limits():
                self._obey(message)
            case protocol.Overview():
                self.overview = message
            case protocol.Release() if self.updates:
                self.updates.hear(message)

    def _obey(self, limits: protocol.Limits) -> None:
        self.restraint.limits = limits
        if self.updates:
            self.updates.allowed = limits.update_max
        self.store.size_bytes_max = limits.cache_bytes or self.cache_bytes
        self.store.bandwidth.bytes_per_second = self.deliveries.bandwidth.bytes_per_second = limits.bytes_per_second

    async def _assigned(self, items: list[protocol.Assignment]) -> None:
        """Take assignments on; one that came before is only acknowledged again."""
        if self.draining or self.takes_nothing:
            return  # unacknowledged, it returns to the queue
        for item in items:
            self.attempts.accept(item)
        await self.line.send(protocol.Received(items=[(item.work_id, item.attempt) for item in items]))

    # Updates ----------------------------------------------------------------------------------------------------------

    async def _keep_up_to_date(self) -> None:
        """Make the next release ready, then end between two tasks: whoever called `run` hands over to it."""
        now = asyncio.get_running_loop().time
        while self.updates and not self.successor and not self.draining:
            await asyncio.sleep(UPDATE_LOOK_SECONDS)
            if self.updates.is_due(now(), busy=self._is_busy()):
                await self._update(now)

    async def _update(self, now: Callable[[], float]) -> None:
        assert self.updates is not None
        self.terminal.say("Making a newer agent ready")
        ready = None
        try:
            ready = await in_own_thread(self.updates.prepare)
        except (NotUpdated, OSError) as error:
            self.terminal.say(f"Not updated: {error}", "warn")
        if self.draining:
            return  # stopped meanwhile: for its owner, not for a successor
        if ready:
            self.successor, self.why_it_ends = ready, f"goes over to {ready.words}"
            return self.drain()
        self.updates.put_off(now())
        await self.line.send(self.updates.build())

    # The end ----------------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Its owner ends it. What drains for its successor goes on draining, for nobody."""
        if self.successor:
            self.successor = None
        else:
            self.drain()

    def drain(self) -> None:
        """Finish what runs, hand back the rest, then end. Asked twice: end now."""
        if self.draining:
            self._hurry.set()
        self.draining = self.attempts.closed = True
        if self.updates:
            self.updates.halt()
        self.line.changed.set()

    async def _until_drained(self) -> None:
        """Returns when the shift should end: asked to, and nothing is left that a connection could still settle."""
        while not self.draining:
            await self._next_change()
        self.terminal.say("Finishing what runs; once more to stop at once", "warn")
        await self.line.send(protocol.Draining(reason=self.why_it_ends))
        await self._hand_back([held for held in self.attempts.held.values() if held.is_waiting])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.config.drain_seconds):
                while self._is_busy() and not self._hurry.is_set():
                    await self._next_change()
        await self._hand_back(list(self.attempts.held.values()))

    def _is_busy(self) -> bool:
        """Frames run, or reports wait and there is a server to take them; without one they keep until the next start."""
        return bool(self.attempts.held) or (bool(self.deliveries.due) and self.line.link is not None)

    async def _hand_back(self, given_up: list[Held], reason: protocol.FailureReason = "shutting_down") -> None:
        """All are forgotten before the first is said: while it is said, another's picture may be finished, and would be lost."""
        for held in given_up:
            self.attempts.forget(held)
        for held in given_up:
            await self.line.send(protocol.Failed(**held.names, reason=reason))

    async def _sign_off(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SIGN_OFF_SECONDS):
                await self.line.send(protocol.SignOff(reason=self.why_it_ends))
        self.terminal.say("Signed off", "quiet")

    async def _next_change(self) -> None:
        """Wait until something has ended or the end is asked for."""
        change = asyncio.create_task(self.line.changed.wait())
        hurry = asyncio.create_task(self._hurry.wait())
        try:
            await asyncio.wait({change, hurry}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            change.cancel()
            hurry.cancel()
        self.line.changed.clear()
