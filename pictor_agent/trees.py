"""The memory of a process with all that it has started: read of that tree alone, not of every process of the machine."""

import contextlib
import os
from pathlib import Path

import psutil

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
LISTS_CHILDREN = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").exists()  # most kernels; none but Linux


def rss_bytes(pid: int) -> int:
    """Resident bytes of all; shared pages count for each. 0 once it is gone."""
    return by_children(pid) if LISTS_CHILDREN else by_every_process(pid)


def by_children(pid: int) -> int:
    """Down from each process to those that its threads have started."""
    found, left = 0, [str(pid)]
    while left:
        process = left.pop()
        with contextlib.suppress(OSError):  # it has ended meanwhile
            found += int(_read(f"/proc/{process}/statm").split()[1]) * PAGE_BYTES
            left += [child for task in os.listdir(f"/proc/{process}/task") for child in _children(process, task)]
    return found


def _children(process: str, task: str) -> list[str]:
    """What one thread has started; a thread may end at any moment, and its children then are another's."""
    try:
        return _read(f"/proc/{process}/task/{task}/children").split()
    except OSError:
        return []


def _read(path: str) -> str:
    with open(path, "rb", buffering=0) as file:
        return file.read().decode()


def by_every_process(pid: int) -> int:
    """Where no thread lists its children: psutil reads every process of the machine, a millisecond and more."""
    try:
        top = psutil.Process(pid)
        return sum(process.memory_info().rss for process in [top, *top.children(recursive=True)])
    except psutil.Error:
        return 0
