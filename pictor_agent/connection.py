"""The node's one socket to the gateway: sign on with the key, then messages both ways. Coming back is paced by Backoff."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import msgspec
from nacl.signing import SigningKey
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException

from pictor_agent import __version__, protocol

OPEN_SECONDS = 15.0
SIGN_ON_SECONDS = 20.0
PING_SECONDS = 20.0  # a dead peer is noticed after two of them
BACKOFF_SECONDS_FIRST = 0.5
BACKOFF_SECONDS_MAX = 60.0
BACKOFF_FACTOR = 1.8
BACKOFF_JITTER = 0.5  # a pause is this share shorter at most, so that nodes do not come back together

LOST = (OSError, WebSocketException, TimeoutError, EOFError)  # what a lost connection raises


class SignOnRefused(Exception):
    """The server will not have this node; `words` are for the owner."""

    def __init__(self, refused: protocol.Refused) -> None:
        super().__init__(refused.words)
        self.code, self.words, self.retry = refused.code, refused.words, refused.retry


class ProtocolBroken(Exception):
    """The other side does not speak our protocol."""


@dataclass
class Backoff:
    """How long to wait before the next try; `rng` is an argument so that tests can fix it."""

    rng: random.Random = field(default_factory=random.Random)
    tries: int = 0

    def next_seconds(self) -> float:
        pause = min(BACKOFF_SECONDS_FIRST * BACKOFF_FACTOR**self.tries, BACKOFF_SECONDS_MAX)
        self.tries += 1
        return pause * (1 - BACKOFF_JITTER * self.rng.random())

    def reset(self) -> None:
        self.tries = 0


@dataclass(frozen=True)
class Connection:
    """A signed-on socket."""

    socket: ClientConnection
    welcome: protocol.Welcome

    async def send(self, message: protocol.Message) -> None:
        await self.socket.send(protocol.encode(message))

    async def receive(self) -> protocol.ToNode:
        """The next message.

        Raises:
            SignOnRefused: the server ends it with a reason.
            One of LOST: the socket is gone.
        """
        return await _receive(self.socket)

    async def close(self) -> None:
        await self.socket.close()


async def sign_on(url: str, *, worker_uid: str, key: SigningKey, token: str) -> Connection:
    """Open the socket and prove the key over the server's nonce.

    Raises:
        SignOnRefused, ProtocolBroken, or one of LOST.
    """
    socket = await _open(url)
    try:
        return Connection(socket, await _prove(socket, worker_uid, key, token))
    except BaseException:
        await socket.close()
        raise


async def greet(url: str) -> float | None:
    """Open the socket, wait for the server's first word, and leave. Returns by how many seconds the server's clock is ahead
    of this machine's; None where it does not say.

    Raises:
        ProtocolBroken, or one of LOST.
    """
    try:
        socket = await _open(url)
    except (InvalidHandshake, InvalidURI) as error:
        raise ProtocolBroken(str(error)) from error
    try:
        ahead = _ahead(socket)
        await _expect(socket, protocol.Challenge)
        return ahead
    except SignOnRefused as refused:
        raise ProtocolBroken(refused.words) from refused
    finally:
        await socket.close()


def _ahead(socket: ClientConnection) -> float | None:
    said = socket.response.headers.get("Date") if socket.response else None
    try:
        return parsedate_to_datetime(said).timestamp() - time.time() if said else None
    except ValueError:
        return None


async def _open(url: str) -> ClientConnection:
    return await connect(
        url,
        max_size=protocol.TO_NODE_BYTES_MAX,
        open_timeout=OPEN_SECONDS,
        ping_interval=PING_SECONDS,
        ping_timeout=PING_SECONDS,
        close_timeout=2,
        compression=None,
        user_agent_header=f"pictor-agent/{__version__}",
    )


async def _prove(socket: ClientConnection, worker_uid: str, key: SigningKey, token: str) -> protocol.Welcome:
    hello = protocol.Hello(
        protocol=protocol.VERSION,
        agent_version=__version__,
        worker_uid=worker_uid,
        public_key=bytes(key.verify_key),
        token=token,
    )
    await socket.send(protocol.encode(hello))
    challenge = await _expect(socket, protocol.Challenge)
    signature = key.sign(protocol.proof_text(challenge.nonce, worker_uid)).signature
    await socket.send(protocol.encode(protocol.Proof(signature=signature)))
    return await _expect(socket, protocol.Welcome)


async def _expect(socket: ClientConnection, kind):
    async with asyncio.timeout(SIGN_ON_SECONDS):
        message = await _receive(socket)
    if not isinstance(message, kind):
        raise ProtocolBroken(f"expected {kind.__name__}, got {type(message).__name__}")
    return message


async def _receive(socket: ClientConnection) -> protocol.ToNode:
    """The next message of a type we know; those of a newer server are passed over."""
    while True:
        frame = await socket.recv()
        if isinstance(frame, str):
            raise ProtocolBroken("a text frame")
        try:
            message = protocol.decode_to_node(frame)
        except msgspec.ValidationError as error:
            if "Invalid value" in str(error) and str(error).endswith("`$.type`"):
                continue
            raise ProtocolBroken(str(error)) from error
        except msgspec.DecodeError as error:
            raise ProtocolBroken(str(error)) from error
        if isinstance(message, protocol.Refused):
            raise SignOnRefused(message)
        return message
