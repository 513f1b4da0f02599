"""Kill -9 of the stack's processes at seeded moments of a job, and how long until frames come in again."""

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.stories.creator import await_that

PROCESSES = ("web", "sockets", "feeder", "background", "postgres", "valkey")
RECOVERY_SECONDS = 300.0


def plan(rng: random.Random, *, frames: int, kills: int) -> list[tuple[int, str]]:
    """(after how many accepted frames, which process), spread over the job; each process comes up as often as the others."""
    names = [PROCESSES[n % len(PROCESSES)] for n in range(kills)]
    rng.shuffle(names)
    stretch = frames * 0.9 / max(1, kills)
    return [(int(stretch * (n + rng.random())), name) for n, name in enumerate(names)]


@dataclass
class Killer:
    stack: object
    accepted: Callable[[], int]
    done: list[tuple[str, float]] = field(default_factory=list)  # (process, seconds until it ran and a frame was accepted)

    def kill(self, name: str) -> None:
        """Returns when another process runs in its place and a further frame has been accepted."""
        before, pid, began = self.accepted(), self.stack.pid_of(name), time.monotonic()
        os.kill(pid, signal.SIGKILL)
        await_that(lambda: self.stack.pid_of(name) != pid, f"{name} started again", seconds=RECOVERY_SECONDS)
        await_that(lambda: self.accepted() > before, f"a frame accepted after {name} was killed", seconds=RECOVERY_SECONDS)
        self.done.append((name, time.monotonic() - began))
