"""What the owner sees: one line per event with the time; colours and a progress line only on a real terminal."""

import os
import shutil
import sys
import time
from dataclasses import dataclass, field
from typing import TextIO

COLOURS = {"ok": "32", "warn": "33", "bad": "31", "quiet": "2", "info": "36"}
MARKS = {"ok": "✓", "warn": "!", "bad": "✗", "quiet": "·", "info": "→"}


@dataclass
class Terminal:
    stream: TextIO = field(default_factory=lambda: sys.stdout)
    plain: bool = False
    _progress: bool = False

    @property
    def is_rich(self) -> bool:
        return not self.plain and self.stream.isatty() and "NO_COLOR" not in os.environ

    def say(self, words: str, tone: str = "info") -> None:
        """One event. `words` may come from the server: control characters are dropped."""
        words = "".join(letter for letter in words if letter.isprintable())
        clock = time.strftime("%H:%M:%S")
        if self.is_rich:
            self._clear()
            print(f"\033[2m{clock}\033[0m \033[{COLOURS[tone]}m{MARKS[tone]}\033[0m {words}", file=self.stream, flush=True)
        else:
            print(f"{clock} {words}", file=self.stream, flush=True)

    def progress(self, words: str, fraction: float) -> None:
        """Redraw the progress line; nothing when the output is a file."""
        if not self.is_rich:
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
