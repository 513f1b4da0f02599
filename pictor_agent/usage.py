"""When the machine's owner last used it: keys and pointer of a desktop, terminals, and programs of theirs on a GPU."""

import contextlib
import ctypes
import ctypes.util
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

TERMINALS = Path("/dev/pts")


class Usage:
    """Asked every few seconds. A program on a GPU that is not of this agent counts as use while it runs."""

    def __init__(
        self, pids: Callable[[], Iterable[int]], terminals: Path = TERMINALS, clock: Callable[[], float] = time.time
    ) -> None:
        self.pids, self.terminals, self.clock = pids, terminals, clock
        self.desktop = find_desktop()

    def unused_seconds(self) -> float | None:
        """None where nothing can be told: no desktop, no terminal, no program on a GPU."""
        found = [self.desktop()] if self.desktop else []
        found += [max(0.0, self.clock() - at) for at in self._typed_at()]
        found += [0.0] if self._strangers_compute() else []
        known = [seconds for seconds in found if seconds is not None]
        return min(known) if known else None

    def _typed_at(self) -> list[float]:
        """When each terminal was last read from: the kernel notes it, to within some seconds."""
        moments = []
        with contextlib.suppress(OSError):
            for path in self.terminals.iterdir():
                with contextlib.suppress(OSError):
                    moments += [path.stat().st_atime] if path.name.isdigit() else []
        return moments

    def _strangers_compute(self) -> bool:
        pids = set(self.pids())
        return bool(pids - own_pids()) if pids else False


def own_pids() -> set[int]:
    """This program and everything that it started."""
    me = psutil.Process()
    return {me.pid, *(child.pid for child in me.children(recursive=True))}


def find_desktop() -> Callable[[], float | None] | None:
    """How long nobody touched keys and pointer of an X11 desktop; None without one (Wayland tells no program)."""
    if not os.environ.get("DISPLAY"):
        return None
    names = [ctypes.util.find_library(name) for name in ("X11", "Xss")]
    if not all(names):
        return None
    x11, xss = (ctypes.CDLL(name) for name in names)
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XDefaultRootWindow.argtypes = [ctypes.c_void_p]
    x11.XDefaultRootWindow.restype = ctypes.c_ulong
    xss.XScreenSaverAllocInfo.restype = ctypes.POINTER(_ScreenSaverInfo)
    xss.XScreenSaverQueryInfo.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.POINTER(_ScreenSaverInfo)]
    if not (display := x11.XOpenDisplay(None)):
        return None
    root, info = x11.XDefaultRootWindow(display), xss.XScreenSaverAllocInfo()

    def untouched_seconds() -> float | None:
        return info.contents.idle / 1_000 if xss.XScreenSaverQueryInfo(display, root, info) else None

    return untouched_seconds


class _ScreenSaverInfo(ctypes.Structure):
    """Source: X11/extensions/scrnsaver.h. `idle`: milliseconds."""

    _fields_ = [
        ("window", ctypes.c_ulong),
        ("state", ctypes.c_int),
        ("kind", ctypes.c_int),
        ("til_or_since", ctypes.c_ulong),
        ("idle", ctypes.c_ulong),
        ("event_mask", ctypes.c_ulong),
    ]
