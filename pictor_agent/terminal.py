"""What the owner sees: one line per event with the time; colours and a progress line only on a real terminal.

The lines are kept in the state folder too, so that a support bundle can bring the last of them.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

COLOURS = {"ok": "32", "warn": "33", "bad": "31", "quiet": "2", "info": "36"}
LOG_NAME, LOG_OLD_NAME = "log", "log.old"
LOG_BYTES_MAX = 200_000  # of each of the two
MARKS = {"ok": "✓", "warn": "!", "bad": "✗", "quiet": "·", "info": "→"}


@dataclass
class Terminal:
    stream: TextIO = field(default_factory=lambda: sys.stdout)
    plain: bool = False
    folder: Path | None = None  # where lines are kept; None: nowhere
    above: Callable[[str], None] | None = None  # prints a line over a live view (pictor_agent.panel)
    _progress: bool = False

    @property
    def is_rich(self) -> bool:
        return not self.plain and self.stream.isatty() and "NO_COLOR" not in os.environ

    def say(self, words: str, tone: str = "info", *, kept: bool = True) -> None:
        """One event. `words` may come from the server: control characters are dropped. What is not `kept` is a secret."""
        words = "".join(letter for letter in words if letter.isprintable())
        clock = time.strftime("%H:%M:%S")
        if kept:
            self._keep(f"{MARKS[tone]} {words}")
        if self.is_rich:
            line = f"\033[2m{clock}\033[0m \033[{COLOURS[tone]}m{MARKS[tone]}\033[0m {words}"
            self._clear()
            self.above(line) if self.above else print(line, file=self.stream, flush=True)
        else:
            print(f"{clock} {words}", file=self.stream, flush=True)

    def _keep(self, line: str) -> None:
        """What cannot be kept, for a full disk or a folder that is gone, is still shown."""
        if self.folder is None:
            return
        log = self.folder / LOG_NAME
        try:
            if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
                log.replace(self.folder / LOG_OLD_NAME)
            with log.open("a") as file:
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")
        except OSError:
            pass

    def progress(self, words: str, fraction: float) -> None:
        """Redraw the progress line; nothing when the output is a file, or a live view shows it."""
        if not self.is_rich or self.above:
            return
        width = 24
        done = round(fraction * width)
        line = f"         {'━' * done}\033[2m{'━' * (width - done)}\033[0m {words}"
        print("\r\033[K" + line[: shutil.get_terminal_size().columns + 8], end="", file=self.stream, flush=True)
        self._progress = True

    def _clear(self) -> None:
        if self._progress:
            print("\r\033[K", end="", file=self.stream)
            self._progress = False
