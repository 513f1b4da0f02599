"""A small disk for the stack's files, which can be filled: a tmpfs that only our own processes see.

Root mounts it in a mount namespace, everybody else in a user namespace as well. Where neither is allowed there is no small
disk, and no full one.
"""

import ctypes
import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

SIZE = "256m"
NEW_NAMESPACE, NEW_USER = 0x20000, 0x10000000  # CLONE_NEWNS, CLONE_NEWUSER
BIND, RECURSIVE, PRIVATE = 0x1000, 0x4000, 0x40000
BLOCK_BYTES = 256 * 1024
_libc = ctypes.CDLL(None, use_errno=True)


def small(folder: Path) -> Callable[[], None] | None:
    """For preexec_fn: the program gets a small disk at folder/disk, which holds files/ and partial/ of folder/var."""
    for name in ("disk", "var/files", "var/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)

    def mount() -> None:
        _enter_namespace()
        _mount("none", Path("/"), "", RECURSIVE | PRIVATE)
        _mount("tmpfs", folder / "disk", "tmpfs", 0, f"size={SIZE},mode=0777")
        for name in ("files", "partial"):
            (folder / "disk" / name).mkdir()
            _mount(str(folder / "disk" / name), folder / "var" / name, "", BIND)

    return mount if _works(mount) else None


def _works(mount: Callable[[], None]) -> bool:
    try:
        return hasattr(_libc, "unshare") and subprocess.run(["true"], preexec_fn=mount).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _enter_namespace() -> None:
    uid, gid = os.getuid(), os.getgid()
    _checked(_libc.unshare(NEW_NAMESPACE if uid == 0 else NEW_NAMESPACE | NEW_USER))
    if uid:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def _mount(source: str, target: Path, kind: str, flags: int, options: str = "") -> None:
    _checked(_libc.mount(source.encode(), str(target).encode(), kind.encode(), flags, options.encode()))


def _checked(status: int) -> None:
    if status:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def is_small(folder: Path) -> bool:
    return os.path.ismount(folder / "disk")


def fill(folder: Path) -> None:
    """Take what is free on the small disk."""
    with (folder / "disk" / "ballast").open("ab", buffering=0) as ballast:
        try:
            while ballast.write(bytes(BLOCK_BYTES)):
                pass
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


def free(folder: Path) -> None:
    (folder / "disk" / "ballast").unlink(missing_ok=True)
