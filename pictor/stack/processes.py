"""One child process: started with its log, asked to stop, and never outliving us."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

STOP_SECONDS = 15
_libc = ctypes.CDLL(None)


def die_with_parent(sent: int = signal.SIGKILL) -> Callable[[], None]:
    """For preexec_fn on Linux: the kernel sends this child a signal when its parent is gone, however that happened."""

    def ask_the_kernel() -> None:
        if hasattr(_libc, "prctl"):
            _libc.prctl(1, sent)  # 1 = PR_SET_PDEATHSIG

    return ask_the_kernel


# As root, with die_with_parent: a program that starts and mounts much, of which nothing is left when its first process ends.
APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


@dataclass(frozen=True)
class Program:
    """What to run and how to treat it."""

    name: str  # as in the log's file name and in every message
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None
    ready: Callable[[], bool] = lambda: True  # does it answer?
    stop_signal: int = signal.SIGTERM
    standard_input: str = ""  # for secrets that must not stand in the list of processes
    identity: dict = field(default_factory=dict)  # subprocess's user, group, extra_groups


class Child:
    """A running Program. Its whole process group goes when it goes."""

    def __init__(self, program: Program, log: Path):
        self.program, self.log = program, log
        self.process = self._spawn()

    def _spawn(self) -> subprocess.Popen:
        program = self.program
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                program.command,
                env=program.environment or None,
                cwd=program.folder,
                stdin=subprocess.PIPE if program.standard_input else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal reaches us alone; we stop the children in order
                preexec_fn=die_with_parent(program.stop_signal),
                **program.identity,
            )
        if program.standard_input:
            process.stdin.write(program.standard_input.encode())
            process.stdin.close()
        return process

    @property
    def pid(self) -> int:
        return self.process.pid

    def ending(self) -> str | None:
        """How it ended ("killed by SIGKILL", "exit status 1"); None while it runs."""
        status = self.process.poll()
        if status is None:
            return None
        if status < 0:
            return f"killed by {signal.Signals(-status).name}"
        return f"exit status {status}"

    def last_words(self) -> str:
        """The last line of its log, for a message."""
        lines = [line.strip() for line in tail(self.log).splitlines() if line.strip()]
        return lines[-1][:300] if lines else ""

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Ask, wait, then insist; whatever it left in its group goes too."""
        if self.process.poll() is None:
            self.process.send_signal(self.program.stop_signal)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        self.sweep()

    def sweep(self) -> None:
        """Kill what is left of its process group."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self.process.wait()


def tail(path: Path, size: int = 4096) -> str:
    """The end of a log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def wait_until(true: Callable[[], bool], seconds: float, *, alive: Callable[[], bool] = lambda: True) -> bool:
    """Await a condition; False when `seconds` have passed or `alive` became false first."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        if not alive():
            return False
        time.sleep(0.03)
    return False
