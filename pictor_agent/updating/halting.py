"""What makes a release ready takes minutes, and its owner may stop the agent at any moment: then nothing waits for it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from typing import TypeVar

from pictor_agent.updating.manifest import NotUpdated

SECONDS_MAX = 1_200
NICE = 10

T = TypeVar("T")


class Programs:
    """Runs one after the other, beside whatever renders and after it, until halted: the one that runs is killed, none begins."""

    def __init__(self) -> None:
        self.halted = False
        self._process: subprocess.Popen | None = None
        self._lock = threading.Lock()

    def run(self, command: list[str]) -> tuple[int, str]:
        """Status and words.

        Raises:
            NotUpdated: it took too long, or all was halted.
        """
        with self._start(command) as process:
            try:
                said, _ = process.communicate(timeout=SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self._kill()
                raise NotUpdated("the release could not be installed in time") from None
        if self.halted:
            raise NotUpdated("the agent ends")
        return process.returncode, said

    def halt(self) -> None:
        """From any thread."""
        with self._lock:
            self.halted = True
        self._kill()

    def _start(self, command: list[str]) -> subprocess.Popen:
        variables = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
        with self._lock:  # halted before: none begins; after: the process is known
            if self.halted:
                raise NotUpdated("the agent ends")
            self._process = subprocess.Popen(
                ["nice", "-n", str(NICE), *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                cwd="/", env=variables, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            return self._process

    def _kill(self) -> None:
        """With what it has started: pip and venv have programs of their own."""
        if self._process and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


async def in_own_thread(work: Callable[[], T]) -> T:
    """As asyncio.to_thread, but neither the loop's end nor the program's waits for it."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(tell: Callable, what: object) -> None:
        if not answer.done():
            tell(what)

    def run() -> None:
        tell: Callable
        what: object
        try:
            tell, what = answer.set_result, work()
        except Exception as error:
            tell, what = answer.set_exception, error
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody asks any more
            loop.call_soon_threadsafe(settle, tell, what)

    threading.Thread(target=run, name="next-release", daemon=True).start()
    return await answer
