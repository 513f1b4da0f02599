"""A scripted node on a real consumer: it says what the test tells it to say."""

import asyncio

from asgiref.testing import ApplicationCommunicator
from django.db import connections
from nacl.signing import SigningKey

from pictor_agent import protocol
from tests.workers.builders import inventory
from workers.gateway import AgentConsumer

WAIT_SECONDS = 90


async def db(function, *args, **kwargs):
    """Call something synchronous in a thread that leaves no connection behind."""

    def call():
        try:
            return function(*args, **kwargs)
        finally:
            connections.close_all()

    return await asyncio.to_thread(call)


async def until(condition, *, seconds: float = WAIT_SECONDS):
    """Await that `condition` (called in a database thread) becomes true; returns its value."""
    async with asyncio.timeout(seconds):
        while True:
            if value := await db(condition):
                return value
            await asyncio.sleep(0.02)


class ScriptedNode:
    """One connection of one node."""

    def __init__(self, uid: str, key: SigningKey | None = None, token: str = ""):
        self.uid, self.token = uid, token
        self.key = key or SigningKey.generate()
        scope = {"type": "websocket", "path": protocol.PATH, "query_string": b"", "headers": [], "subprotocols": []}
        self.socket = ApplicationCommunicator(AgentConsumer.as_asgi(), scope)

    async def connect(self) -> protocol.Challenge:
        await self.socket.send_input({"type": "websocket.connect"})
        assert (await self.socket.receive_output(WAIT_SECONDS))["type"] == "websocket.accept"
        return await self.hear(protocol.Challenge)

    async def say(self, message) -> None:
        await self.say_bytes(protocol.encode(message))

    async def say_bytes(self, raw: bytes) -> None:
        await self.socket.send_input({"type": "websocket.receive", "bytes": raw})

    async def hear(self, kind: type, *, seconds: float = WAIT_SECONDS):
        """The next message of this kind; others in between are dropped."""
        async with asyncio.timeout(seconds):
            while True:
                event = await self.socket.receive_output(timeout=seconds)
                assert event["type"] == "websocket.send", f"waited for {kind.__name__}, got {event}"
                message = protocol.decode_to_node(event["bytes"])
                if isinstance(message, kind):
                    return message

    async def hear_close(self) -> int:
        """Await the end of the connection; returns its code."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                event = await self.socket.receive_output(timeout=WAIT_SECONDS)
                if event["type"] == "websocket.close":
                    return event.get("code", 1000)

    def hello(self, **changes) -> protocol.Hello:
        row = {"protocol": protocol.VERSION, "agent_version": "1.0", "worker_uid": self.uid}
        return protocol.Hello(**(row | {"public_key": bytes(self.key.verify_key), "token": self.token} | changes))

    async def prove(self) -> None:
        challenge = await self.connect()
        await self.say(self.hello())
        signature = self.key.sign(protocol.proof_text(challenge.nonce, self.uid)).signature
        await self.say(protocol.Proof(signature=signature))

    async def sign_on(self, *, holding=(), **facts) -> protocol.Welcome:
        await self.prove()
        welcome = await self.hear(protocol.Welcome)
        await self.say(protocol.SignOn(inventory=inventory(**facts), holding=list(holding)))
        return welcome

    async def close(self) -> None:
        await self.socket.send_input({"type": "websocket.disconnect", "code": 1006})
        await self.socket.wait(WAIT_SECONDS)
