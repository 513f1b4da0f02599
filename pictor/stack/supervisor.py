"""Keeps the stack's processes alive: starts them in order, restarts what dies with back-off, stops them in reverse order."""

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pictor.stack.processes import Child, Program, wait_until
from pictor.stack.words import Stop, say

START_SECONDS = 180  # a machine that does ten other things needs them
LOOK_SECONDS = 0.1
STEADY_SECONDS = 20  # a child that ran this long has earned a fresh start
BACK_OFF_SECONDS = (0, 0.5, 1, 2, 4, 8)  # before each restart of a child that keeps ending; after these we give up


@dataclass
class Watched:
    """A program that must run, and how its last starts went."""

    program: Program
    child: Child
    started_at: float
    endings: int = 0  # in a row and of its own, none of them after STEADY_SECONDS
    due_at: float | None = None  # of the next start; None while it runs
    restarts: int = 0
    pid: int = field(init=False)

    def __post_init__(self) -> None:
        self.pid = self.child.pid


class Supervisor:
    """Children by name. A thread watches them; `failure` is set, once, when one cannot be kept alive."""

    def __init__(self, logs: Path, *, tell: Callable[[str], None] = say):
        self.logs, self.tell = logs, tell
        self.watched: dict[str, Watched] = {}
        self.failure = ""
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, *programs: Program) -> None:
        """Start them all at once and wait until each answers.

        Raises:
            Stop: one ended or did not answer in time; the text holds its last line.
        """
        for program in programs:
            child = Child(program, self.log_of(program.name))
            with self._lock:
                self.watched[program.name] = Watched(program, child, time.monotonic())
        for program in programs:
            self._await(program, self.watched[program.name].child)

    def _await(self, program: Program, child: Child) -> None:
        if not wait_until(program.ready, START_SECONDS, alive=lambda: child.ending() is None):
            how = child.ending() or f"no answer in {START_SECONDS} s"
            raise Stop(f"{program.name} did not start ({how}): {child.last_words()}\n{self.hint(program.name)}")

    def watch(self) -> None:
        """From now on restart what dies."""
        self._thread.start()

    def log_of(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def hint(self, name: str) -> str:
        return f"Its log: {self.log_of(name)}"

    def pid_of(self, name: str) -> int:
        return self.watched[name].pid

    def _run(self) -> None:
        """This thread starts children again, and a child dies with the thread that started it: so it also stops them."""
        while not self._stopping.wait(LOOK_SECONDS):
            self.look(time.monotonic())
        self._stop_all()

    def look(self, now: float) -> None:
        """One round: note who ended, start again who is due."""
        with self._lock:
            for watched in self.watched.values():
                if watched.due_at is None:
                    self._note_ending(watched, now)
                if watched.due_at is not None and now >= watched.due_at and not self.failure:
                    self._start_again(watched, now)

    def _note_ending(self, watched: Watched, now: float) -> None:
        how = watched.child.ending()
        if how is None:
            return
        watched.child.sweep()
        watched.endings = self._endings(watched, now)
        name = watched.program.name
        if watched.endings > len(BACK_OFF_SECONDS):
            self._give_up(f"{name} keeps ending ({how}): {watched.child.last_words()}\n{self.hint(name)}")
            watched.due_at = float("inf")
            return
        pause = BACK_OFF_SECONDS[watched.endings - 1]
        watched.due_at = now + pause
        when = f"in {pause:g} s" if pause else "at once"
        self.tell(f"{name} ended ({how}); starting it again {when}. {self.hint(name)}")

    def _endings(self, watched: Watched, now: float) -> int:
        """Its endings in a row, with this one. One that follows the end of what it needs is not held against it: under
        repeated kills, or while a database comes and goes, everything above would be given up for what is not its fault.
        """
        if now - watched.started_at >= STEADY_SECONDS:
            return 1
        return watched.endings + 1 if self._stands_on_firm_ground(watched, now) else max(watched.endings, 1)

    def _stands_on_firm_ground(self, watched: Watched, now: float) -> bool:
        """Has everything that was started before it, which it may need, run for a while?"""
        before = itertools.takewhile(lambda other: other is not watched, self.watched.values())
        return all(other.due_at is None and now - other.started_at >= STEADY_SECONDS for other in before)

    def _start_again(self, watched: Watched, now: float) -> None:
        watched.child = Child(watched.program, self.log_of(watched.program.name))
        watched.pid, watched.started_at, watched.due_at = watched.child.pid, now, None
        watched.restarts += 1

    def _give_up(self, words: str) -> None:
        if not self.failure:
            self.failure = words
            self.tell(words)

    def stop(self) -> None:
        """Stop everything, the last started first; databases go last."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        else:
            self._stop_all()

    def _stop_all(self) -> None:
        for watched in reversed(list(self.watched.values())):
            watched.child.stop()
        self.watched.clear()
