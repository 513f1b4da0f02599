"""Single keys of the terminal that the agent was started in, while it is in the foreground there."""

import asyncio
import contextlib
import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator

KEYS_READ = 16


@contextlib.contextmanager
def pressed(act: Callable[[str], None]) -> Iterator[None]:
    """`act` is called with each key. Ctrl-C stays what it is; without a terminal of its own nothing is read."""
    if not sys.stdin.isatty() or not _is_ours(terminal := sys.stdin.fileno()):
        yield
        return
    before = termios.tcgetattr(terminal)
    loop = asyncio.get_running_loop()
    tty.setcbreak(terminal)
    loop.add_reader(terminal, _read, terminal, act)
    try:
        yield
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _is_ours(terminal: int) -> bool:
    """A program in the background that reads from its terminal, or sets it, would be stopped."""
    return os.tcgetpgrp(terminal) == os.getpgrp()


def _read(terminal: int, act: Callable[[str], None]) -> None:
    if not _is_ours(terminal):
        return
    pressed_keys = os.read(terminal, KEYS_READ)
    if not pressed_keys:  # the terminal is gone
        asyncio.get_running_loop().remove_reader(terminal)
    for key in pressed_keys.decode(errors="ignore"):
        act(key)
