"""What every entry point of the stack shares: its options from the environment, and an orderly end."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pictor.stack.stack import CODE, Stack
from pictor.stack.words import Stop, say

LOOK_SECONDS = 0.25


def port() -> int:
    """PORT: pages; sockets take the next one."""
    value = os.environ.get("PORT") or "8000"
    if not value.isdigit():
        raise Stop(f"PORT={value} is not a number.")
    return int(value)


def var() -> Path:
    return Path(os.environ.get("PICTOR_VAR") or CODE / "var")


def flag(name: str) -> bool:
    return os.environ.get(name, "") not in {"", "0"}


def stack_from_environment(**chosen) -> Stack:
    return Stack(
        var(),
        port=port(),
        host=os.environ.get("HOST") or "127.0.0.1",
        allow_unsandboxed=flag("UNSANDBOXED"),
        **chosen,
    )


@contextmanager
def orderly() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal end the block; a full disk is said in one line."""
    for number in (signal.SIGTERM, signal.SIGINT):  # a shell's background job starts with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup wants it to go on
        signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        say("\nStopped.")
        raise SystemExit(130) from None
    except OSError as error:
        if error.errno != 28:  # ENOSPC
            raise
        raise Stop(f"The disk of {var()} is full. Free some space and start again.") from None


def stay_up(stack: Stack) -> None:
    """Until Ctrl-C or SIGTERM, which is a good end here."""
    try:
        while True:
            stack.require_alive()
            time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        say("\nStopping.")
