"""One per gateway process: which sockets it holds, what reaches them over Redis, and everything they say, in batches.

Nothing here is truth. Reports, heartbeats and progress of all sockets are written together, so that the number of the
queue's own statements depends on time and not on the number of nodes; a product's handler may still ask per attempt.
"""

import asyncio
import contextlib
import json
import math
import secrets
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

import msgspec
import redis.asyncio
import structlog
from django.conf import settings
from django.db import close_old_connections, connections

from common import clock, realtime
from common.connections import leave_broken_connections
from pictor_agent import protocol
from workers import deliveries, events, live_log, renewal, rollups, services, telemetry
from workers.deliveries import Delivery, Held
from workers.kinds import kind_of
from workers.minutes import Minute

if TYPE_CHECKING:
    from workers.gateway import AgentConsumer

log = structlog.get_logger(__name__)

REPORT_FLUSH_SECONDS = 0.01  # from one flush to the next
AWAITED = (protocol.Rendered, protocol.Done, protocol.Failed)  # reports whose answers a node waits for
ARRIVED_SECONDS = 0.5  # that an assignment has arrived may wait for a report that says more; its lease has 10 s
REPORTS_PER_FLUSH = 2_000
REPORTS_WAITING_MAX = 20_000  # more, and the sockets are read no further
SAMPLE_FLUSH_SECONDS = 0.1  # so late a page sees a gauge at most
BEAT_FLUSH_SECONDS = 1.0
PROGRESS_FLUSH_SECONDS = 0.5  # a page is told of progress at most this often
LOG_CHUNKS_PER_FLUSH = 4  # of one attempt; a node that says more loses them
GATEWAY_RENEW_SECONDS = 5.0
LOSSES_SECONDS = 5.0  # until a loss that could not be written is tried again
REDIS_RETRY_SECONDS = 1.0
HANDSHAKE_SECONDS = 15.0
DOORMEN = 2
SILENCE_SECONDS = 30.0  # six heartbeats

_boards: WeakKeyDictionary = WeakKeyDictionary()


def current() -> "Switchboard":
    """The switchboard of the running event loop; made on first use, started by the first socket."""
    loop = asyncio.get_running_loop()
    if loop not in _boards:
        _boards[loop] = Switchboard()
    return _boards[loop]


class Switchboard:
    def __init__(self) -> None:
        self.gateway_id = f"{socket.gethostname()[:40]}-{secrets.token_hex(6)}"
        self.sockets: set[AgentConsumer] = set()
        self.connections: dict[int, AgentConsumer] = {}  # by node
        self.reports: list[tuple[AgentConsumer, services.Incoming]] = []
        self.report_waits, self.node_waits = asyncio.Event(), asyncio.Event()
        self.flushed_at = -math.inf  # monotonic
        self.settled = asyncio.Event()
        self.settled.set()
        self.samples: dict[int, protocol.Heartbeat] = {}  # that no page has seen yet
        self.beats: dict[int, tuple[AgentConsumer, protocol.Heartbeat]] = {}
        self.minutes: dict[tuple[int, datetime], Minute] = defaultdict(Minute)
        self.progress: dict[int, tuple[int, Held, protocol.Progress]] = {}
        self.logs: dict[int, tuple[Held, list[protocol.LogLines]]] = {}
        self.changed: set[int] = set()  # nodes whose work changed since the last hint
        self.lost: dict[tuple[int, int], datetime] = {}  # nodes and epochs whose line ended while the database was away
        self.tasks: list[asyncio.Task] = []
        self.starting = asyncio.Lock()
        self.recorder = ThreadPoolExecutor(1, "gateway-records")  # reports, in order
        self.pulse = ThreadPoolExecutor(1, "gateway-pulse")  # leases, minutes and the gateway's own row: these wait for no node
        self.doorman = ThreadPoolExecutor(DOORMEN, "gateway-sign-on")  # one node at a time; must not hold up reports
        self.asides = asyncio.Semaphore(DOORMEN - 1)  # commitments and overviews: one doorman is left for who signs on
        self.redis = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_timeout=None)

    # Life ---------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Register in PostgreSQL and subscribe in Redis, once, before the first socket is answered."""
        async with self.starting:
            if self.tasks:
                return
            await self._in_time(services.renew_gateway, self.gateway_id, now=clock.now())
            subscribed = asyncio.Event()
            self.tasks = [
                asyncio.create_task(self._repeat("deliveries", 0, lambda: self._listen(subscribed))),
                asyncio.create_task(self._repeat("reports", 0, self._flush_reports)),
                asyncio.create_task(self._repeat("arrivals", ARRIVED_SECONDS, self._flush_arrived)),
                asyncio.create_task(self._repeat("samples", SAMPLE_FLUSH_SECONDS, self._flush_samples)),
                asyncio.create_task(self._repeat("beats", BEAT_FLUSH_SECONDS, self._flush_beats)),
                asyncio.create_task(self._repeat("progress", PROGRESS_FLUSH_SECONDS, self._flush_progress)),
                asyncio.create_task(self._repeat("gateway", GATEWAY_RENEW_SECONDS, self._renew)),
                asyncio.create_task(self._repeat("losses", LOSSES_SECONDS, self._write_losses)),
            ]
            await asyncio.wait([asyncio.create_task(subscribed.wait())], timeout=5)

    async def stop(self) -> None:
        """End the loops and close what they opened."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks = []
        await self.redis.aclose()
        await asyncio.to_thread(self._close_databases)

    def _close_databases(self) -> None:
        for pool, threads in ((self.recorder, 1), (self.pulse, 1), (self.doorman, DOORMEN)):
            together = threading.Barrier(threads)  # so that every thread of the pool closes its own connection
            for _ in range(threads):
                pool.submit(lambda meet=together: (meet.wait(5), connections.close_all()))
            pool.shutdown()

    async def _repeat(self, name: str, pause_seconds: float, step: Callable[[], Awaitable]) -> None:
        """Run `step` for ever; a failure is logged and tried again."""
        while True:
            try:
                await asyncio.sleep(pause_seconds)
                await step()
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("gateway_loop_failed", loop=name)
                await asyncio.sleep(REDIS_RETRY_SECONDS)

    async def in_database(self, function, *args, **kwargs):
        """Call a service in one of the threads that serve one node at a time."""
        return await self._call(self.doorman, function, *args, **kwargs)

    async def _in_time(self, function, *args, **kwargs):
        """Call a service that leases or this gateway live by, in the thread that nodes cannot keep busy."""
        return await self._call(self.pulse, function, *args, **kwargs)

    async def _call(self, pool: ThreadPoolExecutor, function, *args, **kwargs):
        def call():
            close_old_connections()
            return function(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(pool, call)

    async def _record(self, reports: list[services.Incoming]):
        """Write reports, in the one thread that keeps their order; a connection that breaks is met again by trying again."""

        def call():
            leave_broken_connections()
            return services.record(reports, clock.now())

        return await asyncio.get_running_loop().run_in_executor(self.recorder, call)

    async def _renew(self) -> None:
        await self._in_time(services.renew_gateway, self.gateway_id, now=clock.now())

    async def _write_losses(self) -> None:
        for (worker_id, epoch), at in list(self.lost.items()):
            await self.lose(worker_id, epoch, at)

    # Sockets ------------------------------------------------------------------------------------------------------

    def register(self, consumer: "AgentConsumer") -> None:
        """From here on deliveries for the node go to this socket."""
        older = self.connections.get(consumer.worker_id)
        self.connections[consumer.worker_id] = consumer
        if older is not None and older is not consumer:
            older.refuse("superseded", "Another agent signed on with this node's key.")

    def unregister(self, consumer: "AgentConsumer") -> None:
        self.sockets.discard(consumer)
        if self.connections.get(consumer.worker_id) is consumer:
            del self.connections[consumer.worker_id]

    async def lose(self, worker_id: int, epoch: int, at: datetime) -> None:
        """The line of this epoch ended at this moment without a goodbye. What cannot be written now is written later: while its
        gateway lives, no sweep looks for such a node, and its hours would go on.
        """
        try:
            await self.in_database(services.sign_off, worker_id, epoch=epoch, now=at, clean=False)
            self.lost.pop((worker_id, epoch), None)
        except Exception:
            log.exception("loss_not_written", worker_id=worker_id)
            self.lost[worker_id, epoch] = at

    async def _listen(self, subscribed: asyncio.Event) -> None:
        async with self.redis.pubsub(ignore_subscribe_messages=False) as subscription:
            await subscription.subscribe(deliveries.channel(self.gateway_id))
            async for message in subscription.listen():
                if message["type"] == "subscribe":
                    subscribed.set()
                elif message["type"] == "message":
                    self._deliver(message["data"])

    def _deliver(self, raw: bytes) -> None:
        try:
            batch = deliveries.decode(raw)
        except msgspec.MsgspecError:
            log.exception("delivery_unreadable")
            return
        for delivery in batch:
            consumer = self.connections.get(delivery.worker_id)
            if consumer is not None and delivery.epoch in {0, consumer.epoch}:
                self._hand_over(consumer, delivery)

    def _hand_over(self, consumer: "AgentConsumer", delivery: Delivery) -> None:
        for held in delivery.held:
            consumer.held[held.work_id, held.attempt] = held
        if delivery.held:
            self.changed.add(consumer.worker_id)
        consumer.deliver(delivery.payload, close=delivery.close)

    # Reports ------------------------------------------------------------------------------------------------------

    async def report(self, consumer: "AgentConsumer", message) -> None:
        """Queue a report for the next flush; waits while too many are queued, which slows the socket down."""
        while len(self.reports) >= REPORTS_WAITING_MAX:
            await asyncio.sleep(REPORT_FLUSH_SECONDS)
        self.reports += [(consumer, report) for report in services.unfold(consumer.worker_id, message)]
        self.settled.clear()
        if not isinstance(message, protocol.Received):
            self.report_waits.set()
        if isinstance(message, AWAITED):
            self.node_waits.set()

    async def settle(self) -> None:
        """Wait until every report that is queued now has been recorded."""
        await self._flush_arrived()
        self.node_waits.set()
        await self.settled.wait()

    async def _flush_arrived(self) -> None:
        if self.reports:
            self.report_waits.set()

    async def _flush_reports(self) -> None:
        await self.report_waits.wait()
        await self._gather()
        batch, self.reports = self.reports[:REPORTS_PER_FLUSH], self.reports[REPORTS_PER_FLUSH:]
        self.node_waits.clear()
        if not self.reports:
            self.report_waits.clear()
        try:
            answers = await self._record([report for _, report in batch])
            for (consumer, _), answer in zip(batch, answers, strict=True):
                self.changed.add(consumer.worker_id)
                if answer is not None:
                    consumer.answer(answer)
        finally:
            self.flushed_at = time.monotonic()
            if not self.reports:
                self.settled.set()

    async def _gather(self) -> None:
        """Let others come too: for REPORT_FLUSH_SECONDS, or since the last flush where a node waits for its answer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REPORT_FLUSH_SECONDS):
                await self.node_waits.wait()
                await asyncio.sleep(self.flushed_at + REPORT_FLUSH_SECONDS - time.monotonic())

    # Heartbeats ---------------------------------------------------------------------------------------------------

    def beat(self, consumer: "AgentConsumer", beat: protocol.Heartbeat) -> None:
        """Keep the newest; all are summed into their minute."""
        self.samples[consumer.worker_id] = beat
        self.beats[consumer.worker_id] = (consumer, beat)
        minute_at = clock.now().replace(second=0, microsecond=0)
        self.minutes[consumer.worker_id, minute_at].add(beat)

    async def _flush_beats(self) -> None:
        self._close_silent()
        beats, self.beats = self.beats, {}
        if beats:
            await self._renew_leases(beats)
        await self._write_minutes()

    async def _write_minutes(self) -> None:
        """Those that are over; while PostgreSQL is away they wait, but not for ever."""
        now = clock.now()
        over = now.replace(second=0, microsecond=0)
        done = {key: self.minutes.pop(key) for key in list(self.minutes) if key[1] < over}
        if not done:
            return
        try:
            await self._in_time(rollups.write_minutes, done)
        except Exception:
            self.minutes |= {key: minute for key, minute in done.items() if now - key[1] < rollups.HELD}
            raise

    def _close_silent(self) -> None:
        now = time.monotonic()
        for consumer in list(self.sockets):
            silent = consumer.ready and now - consumer.heard_at > SILENCE_SECONDS
            stranger = not consumer.ready and now - consumer.connected_at > HANDSHAKE_SECONDS  # whatever it says
            if silent or stranger:
                consumer.hang_up()

    async def _flush_samples(self) -> None:
        samples, self.samples = self.samples, {}
        if not samples:
            return
        try:
            async with self.redis.pipeline(transaction=False) as pipe:
                for worker_id, beat in samples.items():
                    gauges = telemetry.gauges(beat)
                    pipe.set(telemetry.sample_key(worker_id), gauges, ex=telemetry.SAMPLE_SECONDS)
                    pipe.publish(realtime.PREFIX + events.topic(worker_id), b'{"gauges":' + gauges + b"}")
                await pipe.execute()
        except redis.RedisError:
            log.warning("samples_lost", count=len(samples))

    async def _renew_leases(self, beats) -> None:
        seen = {
            worker_id: renewal.Seen(consumer.epoch, beat.resting, beat.limits_at)
            for worker_id, (consumer, beat) in beats.items()
        }
        holding = [(w, worker_id, a) for worker_id, (_, beat) in beats.items() for w, a in beat.holding]
        renewed = await self._in_time(renewal.renew, seen, holding, now=clock.now())
        for worker_id, items in renewed.void.items():
            beats[worker_id][0].answer(protocol.Cancel(items=items, reason="this attempt no longer holds its lease"))
        for worker_id, limits in renewed.limits.items():
            beats[worker_id][0].answer(limits)
        for worker_id in renewed.superseded:
            beats[worker_id][0].refuse("superseded", "A newer connection of this node exists.")

    # Progress -----------------------------------------------------------------------------------------------------

    def note_progress(self, consumer: "AgentConsumer", message: protocol.Progress) -> None:
        """Keep the newest of an attempt that the node holds; others are ignored."""
        held = consumer.held.get((message.work_id, message.attempt))
        if held is not None:
            self.progress[message.work_id] = (consumer.worker_id, held, message)

    def note_log(self, consumer: "AgentConsumer", message: protocol.LogLines) -> None:
        """Keep some of what an attempt that the node holds has printed."""
        held = consumer.held.get((message.work_id, message.attempt))
        if held is None:
            return
        _, chunks = self.logs.setdefault(message.work_id, (held, []))
        if len(chunks) < LOG_CHUNKS_PER_FLUSH:
            chunks.append(message)

    async def _flush_progress(self) -> None:
        progress, self.progress = self.progress, {}
        changed, self.changed = self.changed, set()
        logs, self.logs = self.logs, {}
        if not progress and not changed and not logs:
            return
        async with self.redis.pipeline(transaction=False) as pipe:
            for work_id, (worker_id, _, said) in progress.items():
                value = json.dumps([said.fraction, said.note])
                pipe.set(telemetry.progress_key(work_id), value, ex=telemetry.PROGRESS_SECONDS)
                gauges = {"progress": {str(work_id): [said.fraction, said.note]}}
                pipe.publish(realtime.PREFIX + events.topic(worker_id), json.dumps({"gauges": gauges}))
            for worker_id in changed:
                pipe.publish(realtime.PREFIX + events.topic(worker_id), json.dumps({"changed": ["work"]}))
            for chunk in (chunk for _, chunks in logs.values() for chunk in chunks):
                live_log.append_log(pipe, chunk)
            await pipe.execute()
        if progress:
            await self.in_database(_tell, "progressed", [held for _, held, _ in progress.values()])
        if logs:
            await self.in_database(_tell, "logged", [held for held, _ in logs.values()])


def _tell(verb: Literal["progressed", "logged"], moved: list[Held]) -> None:
    by_group = defaultdict(list)
    for held in moved:
        by_group[held.kind, held.group].append(held.reference)
    for (kind, group), references in by_group.items():
        getattr(kind_of(kind), verb)(group, references)
