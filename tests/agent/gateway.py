"""A gateway that follows a test's script, on a real socket: it checks the proof, keeps what it hears, says what it is told."""

import asyncio

from nacl.signing import VerifyKey
from websockets.asyncio.server import ServerConnection, serve

from pictor_agent import protocol

NONCE = b"n" * 32
SECONDS = 90.0


class Gateway:
    """`heard` is everything after the sign-ons, over all connections, in order."""

    def __init__(self) -> None:
        self.hellos: list[protocol.Hello] = []
        self.sign_ons: list[protocol.SignOn] = []
        self.heard: list[protocol.Message] = []
        self.refusals: list[protocol.Refused] = []  # answers to the next sign-ons
        self.report_seconds = 60.0
        self.socket: ServerConnection | None = None
        self._news = asyncio.Condition()

    async def __aenter__(self) -> "Gateway":
        self.server = await serve(self._serve, "127.0.0.1", 0, compression=None)
        return self

    async def __aexit__(self, *_) -> None:
        self.server.close()
        await self.server.wait_closed()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request.path == protocol.PATH
        await self._sign_on(socket)
        async for frame in socket:
            async with self._news:
                self.heard.append(protocol.decode_to_server(frame))
                self._news.notify_all()
            if isinstance(self.heard[-1], protocol.SignOff):
                await socket.close()

    async def _sign_on(self, socket: ServerConnection) -> None:
        await self.say(protocol.Challenge(nonce=NONCE), socket)
        hello = protocol.decode_to_server(await socket.recv())
        proof = protocol.decode_to_server(await socket.recv())
        VerifyKey(hello.public_key).verify(protocol.proof_text(NONCE, hello.worker_uid), proof.signature)
        self.hellos.append(hello)
        if self.refusals:
            await self.say(self.refusals.pop(0), socket)
            return await socket.close()
        await self.say(
            protocol.Welcome(worker_name="Attic", epoch=len(self.hellos), report_seconds=self.report_seconds), socket
        )
        sign_on = protocol.decode_to_server(await socket.recv())
        async with self._news:
            self.socket = socket
            self.sign_ons.append(sign_on)
            self._news.notify_all()

    async def say(self, message: protocol.Message, socket: ServerConnection | None = None) -> None:
        await (socket or self.socket).send(protocol.encode(message))

    async def drop(self) -> None:
        """Break the connection without a goodbye."""
        self.socket.transport.abort()

    async def until(self, condition) -> None:
        """Wait for something to be heard; fail after a deadline, showing what was heard instead."""
        try:
            async with asyncio.timeout(SECONDS), self._news:
                await self._news.wait_for(condition)
        except TimeoutError:
            raise AssertionError(f"not heard; instead: {self.heard}") from None

    async def signed_on(self, number: int = 1) -> protocol.SignOn:
        await self.until(lambda: len(self.sign_ons) >= number)
        return self.sign_ons[number - 1]

    async def hear(self, kind, work_id: int | None = None, number: int = 1):
        """The `number`th message of a kind (about one work item)."""

        def found() -> list:
            return [m for m in self.heard if isinstance(m, kind) and work_id in (None, getattr(m, "work_id", None))]

        await self.until(lambda: len(found()) >= number)
        return found()[number - 1]

    def order(self, *kinds) -> list[tuple[str, int]]:
        """Kinds and work ids, in the order they were heard."""
        return [(type(m).__name__, m.work_id) for m in self.heard if isinstance(m, kinds)]
