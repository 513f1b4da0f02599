"""Control groups of version 1 and 2, where this process may make them: memory and number of processes of one sandbox."""

import itertools
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
PREFIX = "pictor-"
_numbers = itertools.count(1)


@dataclass
class ControlGroup:
    """One or two folders below /sys/fs/cgroup; empty where cgroups may not be written."""

    folders: list[Path] = field(default_factory=list)
    limits_memory: bool = False
    limits_processes: bool = False

    @property
    def procs(self) -> list[str]:
        """Files that a starting process writes its pid to."""
        return [str(folder / "cgroup.procs") for folder in self.folders]

    def oom_kills(self) -> int:
        """How many processes the kernel killed here for want of memory."""
        return max((_oom_kills(folder) for folder in self.folders), default=0)

    def kill(self) -> None:
        for folder in self.folders:
            for pid in _read(folder / "cgroup.procs").split():
                _kill(int(pid))

    def remove(self) -> bool:
        """True when gone; a folder with dying processes stays a moment longer."""
        self.folders = [folder for folder in self.folders if not _rmdir(folder)]
        return not self.folders


def create(*, memory_bytes: int, processes: int) -> ControlGroup:
    """A new group with limits, in whatever version this machine lets us write."""
    name = f"{PREFIX}{os.getpid()}-{next(_numbers)}"
    group = _create_v2(name, memory_bytes, processes)
    return group or _create_v1(name, memory_bytes, processes)


def _create_v2(name: str, memory_bytes: int, processes: int) -> ControlGroup | None:
    """None unless memory and pids are controllers of the unified tree that may be handed down from here."""
    if not (MOUNT / "cgroup.controllers").exists():
        return None
    base = _own_folder(MOUNT, "0::")
    if not {"memory", "pids"} <= set(_read(base / "cgroup.controllers").split()):
        return None
    if not _write(base / "cgroup.subtree_control", "+memory +pids"):
        return None
    folder = _mkdir(base / name)
    if folder is None:
        return None
    _write(folder / "memory.swap.max", "0")
    memory = _write(folder / "memory.max", str(memory_bytes))
    return ControlGroup([folder], memory, _write(folder / "pids.max", str(processes)))


def _create_v1(name: str, memory_bytes: int, processes: int) -> ControlGroup:
    group = ControlGroup()
    for controller, file, value in (
        ("memory", "memory.limit_in_bytes", memory_bytes),
        ("pids", "pids.max", processes),
    ):
        mount = MOUNT / controller
        folder = _mkdir(_own_folder(mount, f":{controller}:") / name) if mount.is_dir() else None
        if folder is None:
            continue
        limited = _write(folder / file, str(value))
        group.folders.append(folder)
        group.limits_memory |= limited and controller == "memory"
        group.limits_processes |= limited and controller == "pids"
    return group


def remove_stale() -> None:
    """Empty groups that a killed agent left behind."""
    places = [_own_folder(MOUNT, "0::"), *(_own_folder(MOUNT / name, f":{name}:") for name in ("memory", "pids"))]
    for folder in itertools.chain.from_iterable(place.glob(PREFIX + "*") for place in places if place.is_dir()):
        if not Path(f"/proc/{folder.name.split('-')[1]}").exists():
            _rmdir(folder)


def _own_folder(mount: Path, mark: str) -> Path:
    """This process's own group below `mount`; `mount` itself where a container hides it."""
    for line in _read(Path("/proc/self/cgroup")).splitlines():
        if mark in line or line.startswith(mark):
            own = mount / line.split(":", 2)[2].lstrip("/")
            return own if own.is_dir() else mount
    return mount


def _oom_kills(folder: Path) -> int:
    words = (_read(folder / "memory.events") or _read(folder / "memory.oom_control")).split()
    return int(words[words.index("oom_kill") + 1]) if "oom_kill" in words else 0


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


def _mkdir(folder: Path) -> Path | None:
    try:
        folder.mkdir()
        return folder
    except OSError:
        return None


def _rmdir(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _write(path: Path, value: str) -> bool:
    try:
        path.write_text(value)
        return True
    except OSError:
        return False
