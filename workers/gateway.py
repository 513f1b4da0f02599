"""A node's socket: proof of its key, then messages to and fro. All that is written goes through the switchboard."""

import asyncio
import math
import secrets
import time
from collections import Counter
from datetime import datetime

import structlog
from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from common import clock
from common.limits import address_of_socket
from pictor_agent import protocol
from workers import agent_wheel, installing, services, switchboard
from workers.deliveries import Held
from workers.kinds import kind_of
from workers.services import Refusal

log = structlog.get_logger(__name__)

_strangers: Counter = Counter()  # sockets of this process that have proved no key, by address

REPORT_SECONDS = 5.0
MESSAGES_PER_SECOND = 200
MESSAGES_BURST = 1_000
SELF_TESTS_MAX = 20  # of one connection
OVERVIEW_EARLY = 0.9  # of protocol.OVERVIEW_SECONDS: what a line may hurry one message
COMMITS_MAX = 60  # of one attempt: each is said again every few seconds until it is answered
OUTGOING_MAX = 1_000  # a node that does not read loses its socket
SOCKETS_MAX = 20_000
STRANGERS_MAX = 2_000  # sockets of one address that have proved no key yet; a farm that comes back at once has fewer
CLOSE_REFUSED, CLOSE_BUSY = 1008, 1013
UNREADABLE = (ValueError, RecursionError)  # msgspec's own errors and those of text; lists in lists in lists
SERVER_VERSION = "0.1.0"


class AgentConsumer(AsyncWebsocketConsumer):
    """One connection. `ready` after sign-on; `epoch` is its number, `held` the attempts it works on."""

    async def __call__(self, scope, receive, send) -> None:
        """As channels' own, which makes a task for each message and looks for old connections in a thread each time."""
        self.scope, self.base_send, self.channel_layer = scope, send, None
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        except Exception:  # whatever of ours breaks, the line ends here: its node is not online, nor its place taken, for ever
            await self.disconnect(CLOSE_BUSY)
            raise

    async def dispatch(self, message) -> None:
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        self.board = switchboard.current()
        self.worker_id = self.epoch = self.self_tests = self.builds = 0
        self.overview_at = -math.inf
        self.overview: asyncio.Task | None = None  # the newest
        self.build: asyncio.Task | None = None  # likewise
        self.showing: asyncio.Task | None = None  # likewise
        self.hello: protocol.Hello | None = None
        self.admission: services.Admission | None = None
        self.ready = self.closing = False
        self.held: dict[tuple[int, int], Held] = {}
        self.commits: Counter = Counter()  # by attempt
        self.connected_at = self.heard_at = time.monotonic()
        self.allowance = float(MESSAGES_BURST)
        self.outgoing: asyncio.Queue[tuple[bytes, bool]] = asyncio.Queue(OUTGOING_MAX)
        self.stranger_from: str | None = None
        self.writer = asyncio.create_task(self._write())
        await self.board.start()
        await self.accept()
        address = address_of_socket(self.scope)
        if len(self.board.sockets) >= SOCKETS_MAX or _strangers[address] >= STRANGERS_MAX:
            return await self.close(CLOSE_BUSY)
        self.board.sockets.add(self)
        self._is_stranger_from(address)
        self.nonce = secrets.token_bytes(32)
        self.answer(protocol.Challenge(nonce=self.nonce))

    def _is_stranger_from(self, address: str | None) -> None:
        """Counted under this address until it has proved its key or leaves (None)."""
        _strangers.subtract([] if self.stranger_from is None else [self.stranger_from])
        _strangers.update([] if address is None else [address])
        self.stranger_from = address
        _strangers.__iadd__(Counter())  # drops zeros

    async def disconnect(self, code) -> None:
        self.writer.cancel()
        self._is_stranger_from(None)
        self.board.unregister(self)
        if self.admission is not None:
            await self.board.lose(self.worker_id, self.epoch, clock.now())

    async def _in_database(self, function, *args, **kwargs):
        return await self.board.in_database(function, *args, **kwargs)

    # Out ----------------------------------------------------------------------------------------------------------

    def answer(self, message) -> None:
        """Queue a message for the node and forget the attempts that it ends."""
        if isinstance(message, protocol.Recorded):
            self._forget((message.work_id, message.attempt))
        elif isinstance(message, protocol.Cancel):
            for item in message.items:
                self._forget(tuple(item))
        self.deliver(protocol.encode(message))

    def _forget(self, key: tuple[int, int]) -> None:
        self.held.pop(key, None)
        self.commits.pop(key, None)

    def deliver(self, payload: bytes, *, close: bool = False) -> None:
        """Queue encoded bytes; `close` ends the connection after them."""
        if self.closing:
            return
        self.closing = close
        try:
            self.outgoing.put_nowait((payload, close))
        except asyncio.QueueFull:
            log.warning("node_reads_too_slowly", worker_id=self.worker_id)
            self.hang_up()

    def refuse(self, code: str, words: str, *, retry: bool = False) -> None:
        self.deliver(protocol.encode(protocol.Refused(code=code, words=words[:500], retry=retry)), close=True)

    def hang_up(self) -> None:
        """Close without a word, also when the queue is full."""
        self.closing = True
        self.board.sockets.discard(self)
        self.writer.cancel()
        self.hanging_up = asyncio.create_task(self.close(CLOSE_REFUSED))

    async def _write(self) -> None:
        while True:
            payload, close = await self.outgoing.get()
            await self.send(bytes_data=payload)
            if close:
                return await self.close(CLOSE_REFUSED)

    # In -----------------------------------------------------------------------------------------------------------

    async def receive(self, text_data=None, bytes_data=None) -> None:
        if self.closing or not self._within_rate():
            return
        message = self._decode(bytes_data)
        if message is None:
            return
        if self.ready:
            await self._handle(message)
        else:
            await self._handshake(message)

    def _within_rate(self) -> bool:
        """A token bucket; a node that floods is sent away to cool down."""
        now = time.monotonic()
        earned = (now - self.heard_at) * MESSAGES_PER_SECOND
        self.allowance = min(MESSAGES_BURST, self.allowance + earned) - 1
        self.heard_at = now
        if self.allowance < 0:
            self.refuse("bad_message", f"More than {MESSAGES_PER_SECOND} messages a second.", retry=True)
        return self.allowance >= 0

    def _decode(self, raw: bytes | None):
        if raw is None or len(raw) > protocol.MESSAGE_BYTES_MAX:
            self.refuse("bad_message", f"A message is one binary frame of at most {protocol.MESSAGE_BYTES_MAX:,} bytes.")
            return None
        try:
            return protocol.decode_to_server(raw)
        except UNREADABLE as error:
            if not str(error).endswith("`$.type`"):  # a message of a newer agent is passed over
                self.refuse("bad_message", f"Unreadable message: {error}")
            return None

    # Sign-on ------------------------------------------------------------------------------------------------------

    async def _handshake(self, message) -> None:
        try:
            match message:
                case protocol.Hello() if self.hello is None:
                    self._take_hello(message)
                case protocol.Proof() if self.hello is not None and self.admission is None:
                    await self._take_proof(message)
                case protocol.SignOn() if self.admission is not None:
                    await self._sign_on(message)
                case _:
                    raise Refusal("bad_message", "The order is Hello, Proof, SignOn.")
        except Refusal as refusal:
            log.info("node_refused", code=refusal.code, uid=self.hello.worker_uid if self.hello else None)
            self.refuse(refusal.code, refusal.words, retry=refusal.retry)

    def _take_hello(self, hello: protocol.Hello) -> None:
        if hello.protocol < protocol.OLDEST_SUPPORTED:
            raise Refusal("too_old", f"This agent speaks protocol {hello.protocol}, the server needs {OLDEST}. {_update()}")
        if hello.protocol > protocol.VERSION + 1:
            raise Refusal("bad_message", f"This agent is newer than the server, which speaks protocol {protocol.VERSION}.")
        self.hello = hello

    async def _take_proof(self, proof: protocol.Proof) -> None:
        hello = self.hello
        try:
            VerifyKey(hello.public_key).verify(protocol.proof_text(self.nonce, hello.worker_uid), proof.signature)
        except (BadSignatureError, ValueError):
            raise Refusal("bad_signature", "The signature does not fit the key.") from None
        self.admission = await self._in_database(
            services.admit,
            uid=hello.worker_uid,
            public_key=hello.public_key,
            token=hello.token,
            gateway_id=self.board.gateway_id,
            now=clock.now(),
        )
        self.worker_id, self.epoch = self.admission.worker_id, self.admission.epoch
        self.board.register(self)
        self._is_stranger_from(None)
        self.answer(
            protocol.Welcome(
                worker_name=self.admission.name, epoch=self.epoch, report_seconds=REPORT_SECONDS, server_version=SERVER_VERSION
            )
        )

    async def _sign_on(self, message: protocol.SignOn) -> None:
        self.ready = True  # before the feeder may know: an assignment can be answered before this function ends
        signed_on = await self._in_database(
            services.sign_on,
            self.admission,
            inventory=message.inventory,
            holding=message.holding,
            version=self.hello.agent_version,
            protocol_version=min(self.hello.protocol, protocol.VERSION),
            now=clock.now(),
        )
        if signed_on is None:
            raise Refusal("superseded", "A newer connection of this node exists.")
        self.held |= {(held.work_id, held.attempt): held for held in signed_on.held}
        if signed_on.void:
            self.answer(protocol.Cancel(items=signed_on.void, reason="these attempts no longer hold their leases"))
        log.info("node_signed_on", worker_id=self.worker_id, epoch=self.epoch, holding=len(signed_on.held))

    # Work ---------------------------------------------------------------------------------------------------------

    async def _handle(self, message) -> None:
        match message:
            case protocol.Heartbeat():
                self.board.beat(self, message)
            case protocol.Progress():
                self.board.note_progress(self, message)
            case protocol.LogLines():
                self.board.note_log(self, message)
            case protocol.Received() | protocol.Started() | protocol.Rendered() | protocol.Done() | protocol.Failed():
                await self.board.report(self, message)
            case protocol.NeedUrls():
                await self._send_urls(message)
            case protocol.Committed():
                self._begin_show(message)
            case protocol.SelfTested():
                await self._note_self_test(message)
            case protocol.AskOverview():
                self._begin_overview()
            case protocol.Build():
                self._begin_build(message)
            case protocol.Draining():
                await self.board.settle()
                await self._in_database(
                    services.drain_worker, self.worker_id, epoch=self.epoch, now=clock.now(), why=message.reason
                )
            case protocol.SignOff():
                await self._sign_off(message)
            case _:
                self.refuse("bad_message", "This connection has signed on already.")

    async def _note_self_test(self, message: protocol.SelfTested) -> None:
        """A node has a few of them to say; one that goes on saying other things is not listened to."""
        self.self_tests += 1
        if self.self_tests <= SELF_TESTS_MAX:
            await self._in_database(services.note_self_test, self.worker_id, epoch=self.epoch, said=message)

    def _begin_overview(self) -> None:
        """Beside what comes in, which renews leases. Whoever asks too often is not answered, nor anybody while the only
        doorman for it is busy: questions would pile up, and who still looks asks again."""
        is_early = time.monotonic() - self.overview_at < protocol.OVERVIEW_SECONDS * OVERVIEW_EARLY
        if not is_early and (self.overview is None or self.overview.done()):
            self.overview = asyncio.create_task(self._send_overview())

    async def _send_overview(self) -> None:
        if self.board.asides.locked():
            return
        async with self.board.asides:
            self.overview_at = time.monotonic()
            try:
                self.answer(await self._in_database(services.overview_of, self.worker_id, now=clock.now()))
            except Exception:
                log.exception("overview_failed", worker_id=self.worker_id)

    def _begin_build(self, message: protocol.Build) -> None:
        """A few of a connection, as self-tests; beside what comes in, for the first one in a process has the wheel built."""
        self.builds += 1
        if self.builds <= SELF_TESTS_MAX:
            self.build = asyncio.create_task(self._note_build(message, self.build))

    async def _note_build(self, message: protocol.Build, before: asyncio.Task | None) -> None:
        """In the order in which the node said them."""
        if before is not None:
            await before
        try:
            await asyncio.to_thread(agent_wheel.prepare)
            said = {"epoch": self.epoch, "said": message, "now": clock.now()}
            if release := await self._in_database(services.note_build, self.worker_id, **said):
                self.answer(release)
        except Exception:
            log.exception("build_not_noted", worker_id=self.worker_id)

    async def _send_urls(self, message: protocol.NeedUrls) -> None:
        held = self.held.get((message.work_id, message.attempt))
        if held is None:
            return self.answer(protocol.Cancel(items=[(message.work_id, message.attempt)], reason="this attempt is not yours"))
        urls = await self._in_database(kind_of(held.kind).file_urls, held.reference, clock.now())
        self.answer(protocol.Urls(work_id=message.work_id, attempt=message.attempt, urls=urls))

    def _begin_show(self, message: protocol.Committed) -> None:
        """Beside what comes in, which renews leases; of one attempt a few. Only what it holds is looked up at all."""
        key = message.work_id, message.attempt
        held = self.held.get(key)
        self.commits[key] += held is not None
        if held is None or self.commits[key] > COMMITS_MAX:
            return self._answer_nothing(key)
        self.showing = asyncio.create_task(self._send_show(held, message, clock.now(), self.showing))

    async def _send_show(self, held: Held, message: protocol.Committed, said_at: datetime, before: asyncio.Task | None) -> None:
        """In the order in which the node said them; what they wait here for others (`said_at`) is not the node's time."""
        if before is not None:
            await before
        try:
            async with self.board.asides:
                show = await self._in_database(kind_of(held.kind).committed, held.reference, self.worker_id, message, said_at)
        except Exception:  # the node says it again
            log.exception("commitment_not_taken", worker_id=self.worker_id)
        else:
            self.answer(show) if show else self._answer_nothing((message.work_id, message.attempt))

    def _answer_nothing(self, key: tuple[int, int]) -> None:
        self.answer(protocol.Cancel(items=[key], reason="nothing is to be shown"))

    async def _sign_off(self, message: protocol.SignOff) -> None:
        """Reports that came before the goodbye count; leases that are still held return."""
        await self.board.settle()
        await self._in_database(
            services.sign_off, self.worker_id, epoch=self.epoch, now=clock.now(), clean=True, why=message.reason
        )
        self.closing = True
        await self.close()


def _update() -> str:
    return f"Update the agent by the command at the end of {installing.page_url()}"


OLDEST = protocol.OLDEST_SUPPORTED
