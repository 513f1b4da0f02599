"""Start a coroutine at once, in the caller's own step: most sends to a socket never have to wait, and a task for each of
thousands costs more than the send itself. Python 3.12 has this as `eager_start`; it can go when 3.11 is no longer served.
"""

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any


def start(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task | None:
    """Run it until it first has to wait: None if it came to its end, otherwise the task that goes on with it.

    Until then it is part of the running task, if any: nothing in it may ask for the current task (as timeouts do).
    Whatever it raises before it waits is raised here.
    """
    try:
        awaited = coroutine.send(None)
    except StopIteration:
        return None
    return asyncio.create_task(_rest(coroutine, awaited))


async def _rest(coroutine: Coroutine[Any, Any, None], awaited: Any) -> None:
    await _go_on(coroutine, awaited)


@types.coroutine
def _go_on(coroutine: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    """Hand what it waits for to the task, and the task's answers to it, until it ends."""
    while True:
        try:
            answer = yield awaited
        except BaseException as error:  # a cancellation, too, is its to answer
            step = (coroutine.throw, error)
        else:
            step = (coroutine.send, answer)
        verb, value = step
        try:
            awaited = verb(value)
        except StopIteration:
            return
