"""The log of a running attempt as its node streams it: the newest chunks in Redis, for a while; truth is the stored tail.

Every chunk says where it belongs, so that lost, repeated and late ones do no harm.
"""

from collections.abc import Iterable

import msgspec
import redis

from common import realtime
from pictor_agent import protocol

LOG_SECONDS = 600  # after the last chunk
CHUNKS_MAX = 16  # of an attempt; with LOG_LINES_MAX at most 64,000 characters
LOG_CHARACTERS = 16_000  # what a page gets
LEFT_OUT = "\n[...]\n"


class Chunk(msgspec.Struct, array_like=True):
    """A part of one attempt's log; `offset` counts the characters before it."""

    attempt: int
    offset: int
    text: str


def log_key(work_id: int) -> str:
    return f"work:{work_id}:log"


def append_log(pipe, message: protocol.LogLines) -> None:
    """Put a chunk into the Redis pipeline `pipe`; the oldest make room."""
    key = log_key(message.work_id)
    pipe.rpush(key, msgspec.msgpack.encode(Chunk(message.attempt, message.offset, message.text)))
    pipe.ltrim(key, -CHUNKS_MAX, -1)
    pipe.expire(key, LOG_SECONDS)


def log_of(work_id: int) -> str:
    """The end of what the newest attempt of a work item has printed so far; empty when nothing is known."""
    try:
        found = realtime.connection().lrange(log_key(work_id), 0, -1)
    except redis.RedisError:
        return ""
    return joined(msgspec.msgpack.decode(raw, type=Chunk) for raw in found)


def joined(chunks: Iterable[Chunk]) -> str:
    """The chunks of the newest attempt in their order, each character once, gaps marked."""
    held = sorted(chunks, key=lambda chunk: chunk.offset)
    newest = max((chunk.attempt for chunk in held), default=0)
    text, end = "", 0
    for chunk in (chunk for chunk in held if chunk.attempt == newest):
        fresh = chunk.text[max(0, end - chunk.offset) :]
        text += (LEFT_OUT if chunk.offset > end else "") + fresh
        end = max(end, chunk.offset + len(chunk.text))
    return text[-LOG_CHARACTERS:]
