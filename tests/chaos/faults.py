"""Faults that are staged while a job runs: processes killed with -9, the network cut and slowed, the disk full."""

import os
import random
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import disk, truth
from tests.chaos.farm import HONEST
from tests.chaos.network import Road
from tests.stories.creator import ENDED, Creator, await_that

PROCESSES = ("web", "sockets", "feeder", "background", "postgres", "valkey", *HONEST)
CUT, SLOW, FULL = "network cut", "network slow", "disk full"
KINDS = (*(f"{name} killed" for name in PROCESSES), CUT, SLOW, FULL)
LASTS_SECONDS = (0.5, 2.5)  # of a cut, a slow network, a full disk
DELAY_SECONDS = (0.05, 0.4)
PAUSE_SECONDS_MAX = 0.5  # between two faults
RECOVERY_SECONDS = 900.0
LOOK_SECONDS = 0.02


def plan(rng: random.Random, number: int, kinds: list[str]) -> list[str]:
    """Which fault follows which: in rounds, so that each comes up as often as the others."""
    names: list[str] = []
    while len(names) < number:
        names += rng.sample(kinds, len(kinds))
    return names[:number]


@dataclass
class Stage:
    """Plays faults; `done` has (kind, seconds until everything worked again)."""

    stack: object
    road: Road
    folder: Path
    creator: Creator
    job: int
    rng: random.Random
    done: list[tuple[str, float]] = field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        return [kind for kind in KINDS if kind != FULL or disk.is_small(self.folder)]

    def play(self, number: int) -> None:
        """Until the job has ended, if that comes first."""
        for kind in plan(self.rng, number, self.kinds):
            if self.creator.status(self.job) in ENDED:
                return
            time.sleep(self.rng.uniform(0, PAUSE_SECONDS_MAX))
            self._play_one(kind)

    def _play_one(self, kind: str) -> None:
        """Recovery counts from the kill, or from the moment when network or disk is as it should be again."""
        began, over = self._kill(kind.removesuffix(" killed")) if kind.endswith(" killed") else self._disturb(kind)
        await_that(lambda: self._has_recovered(over), f"recovered from {kind}", seconds=RECOVERY_SECONDS, look=LOOK_SECONDS)
        self.done.append((kind, time.time() - began))

    def _kill(self, name: str) -> tuple[float, float]:
        pid, began = self.stack.pid_of(name), time.time()
        os.kill(pid, signal.SIGKILL)
        await_that(lambda: self.stack.pid_of(name) != pid, f"{name} started again", seconds=RECOVERY_SECONDS, look=LOOK_SECONDS)
        return began, time.time()

    def _disturb(self, kind: str) -> tuple[float, float]:
        lasts = self.rng.uniform(*LASTS_SECONDS)
        if kind == FULL:
            self._fill_disk(lasts)
        else:
            self.road.cut() if kind == CUT else self.road.slow(self.rng.uniform(*DELAY_SECONDS))
            time.sleep(lasts)
            self.road.mend()
        return time.time(), time.time()

    def _fill_disk(self, seconds: float) -> None:
        """What is deleted meanwhile is filled again."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            disk.fill(self.folder)
            time.sleep(LOOK_SECONDS)
        disk.free(self.folder)

    def _has_recovered(self, since: float) -> bool:
        """A frame that was handed out since lies on the server, and one has been accepted since: every process has worked.
        Nothing is left to see once all frames are accepted.
        """
        arrived, accepted, left = self.creator.ask_named(truth.RECOVERED, job=self.job, since=since)[0]
        return (arrived and accepted) or not left
