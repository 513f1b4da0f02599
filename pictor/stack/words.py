"""What the set-up says in the terminal: one line a step, one line for a stop. Standard library only: nothing is installed yet."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stop(SystemExit):
    """A start that cannot go on; its text says what is wrong and what to do, and the exit status is 1."""


def say(line: str) -> None:
    print(line, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Names the step while it runs and its seconds when it is done."""
    began = time.monotonic()
    if sys.stdout.isatty():
        print(f"  {what} ...", end="\r", flush=True)
    yield
    say(f"  {what}: {time.monotonic() - began:.1f} s")
