"""Frames that were just finished are gathered for a moment while more of them come, so that one look serves several.

A frame that comes alone is looked at at once. All of this may be lost: the sweep finds every frame that is being checked.
"""

from collections.abc import Sequence
from functools import partial

import redis
from django.db import transaction

from common import realtime
from rendering.hints import hint

GATHER_MS = 1_000  # from one look to the next
QUEUED_MS = 5_000  # a look that was lost with its process does not silence the next ones for longer
KEPT_SECONDS = 60  # by then the sweep has found them
TOGETHER = 32  # frames that one process looks at, one after the other
LOOKED, QUEUED, FRAMES = "checks:looked", "checks:queued", "checks:frames"


def ask_on_commit(task_ids: Sequence[int], *, at_once: bool) -> None:
    """Have these frames looked at; within GATHER_MS, or `at_once`."""
    transaction.on_commit(partial(_ask, list(task_ids), at_once), robust=True)


def _ask(task_ids: list[int], at_once: bool) -> None:
    try:
        with realtime.connection().pipeline(transaction=False) as pipe:
            pipe.rpush(FRAMES, *task_ids)
            pipe.expire(FRAMES, KEPT_SECONDS)
            pipe.set(LOOKED, 1, nx=True, px=GATHER_MS)
            alone = pipe.execute()[-1]
        if at_once or alone:
            hint("check_gathered")
        elif realtime.connection().set(QUEUED, 1, nx=True, px=QUEUED_MS):
            hint("check_gathered", in_seconds=GATHER_MS / 1000)
    except redis.RedisError:
        pass  # the sweep comes round


def take() -> list[int]:
    """The frames that were gathered first; when more are left, another process is asked to take those."""
    try:
        with realtime.connection().pipeline(transaction=False) as pipe:
            pipe.delete(QUEUED)
            pipe.set(LOOKED, 1, px=GATHER_MS)
            pipe.lpop(FRAMES, TOGETHER)
            taken = [int(pk) for pk in pipe.execute()[-1] or []]
    except redis.RedisError:
        return []
    if len(taken) == TOGETHER:
        hint("check_gathered")
    return taken
