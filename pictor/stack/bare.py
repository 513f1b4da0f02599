"""`make test-bare`: a stranger's first start, in a bare Debian that holds only Python, git and make. Needs root.

First as an ordinary user who may install nothing (must end with the list of what is missing), then as root in root's own
folder, then as that user again. The machine's own apt sources and pip configuration are used, whatever they are.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pictor.stack import debian, environments, places, ports
from pictor.stack.words import Stop, say, step

PACKAGES = "python3,git,make,ca-certificates,passwd,util-linux"
FRAMES = os.environ.get("FRAMES") or "1-3"
USER = "stranger"

# Make the folder the whole world of one process tree (a chroot alone would forbid user namespaces, and so bubblewrap).
ENTER = """
set -e
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
cd "$ROOT"
mkdir -p old
pivot_root . old
mount -t proc proc /proc
mount --rbind /old/sys /sys
mount --rbind /old/dev /dev
umount -l /old
exec "$@"
"""


def main() -> None:
    if os.geteuid() != 0:
        raise Stop("make test-bare needs root: it makes a Debian root and enters it.")
    debian.ensure_mmdebstrap()
    folder = Path(tempfile.mkdtemp(prefix="pictor-bare-", dir="/var/tmp"))
    try:
        walk_through(folder / "root")
    finally:
        if not os.environ.get("KEEP"):
            shutil.rmtree(folder, ignore_errors=True)


def walk_through(root: Path) -> None:
    with step("Making a bare Debian"):
        make_root(root)
    clone(root, "/root/pictor")
    inside(root, "useradd", "--create-home", USER)
    clone(root, f"/home/{USER}/pictor")
    inside(root, "chown", "-R", USER, f"/home/{USER}/pictor")
    expect_the_list(root)
    timed("As root, cold", root, in_folder("/root/pictor"))
    timed("As root, warm", root, in_folder("/root/pictor"))
    timed("As a user, cold", root, as_user())
    timed("As a user, warm", root, as_user())
    say("A bare Debian ends well, as root and as an ordinary user.")


def make_root(root: Path) -> None:
    sources = [
        str(path)
        for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
        if path.is_file()
    ]
    debian.make(root, PACKAGES, sources)
    for path in ("/etc/resolv.conf", "/etc/hosts", *files_of_pip()):
        if Path(path).is_file():
            (root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, root / path.lstrip("/"))
    for folder in ("proc", "sys", "dev"):
        (root / folder).mkdir(exist_ok=True)


def index() -> dict[str, str]:
    """This machine's pip configuration, as variables."""
    return {
        name: value for name, value in environments.index_environment(Path(sys.executable)).items() if name.startswith("PIP_")
    }


def files_of_pip() -> list[str]:
    """Files that the pip configuration points at, such as certificates."""
    return [value for value in index().values() if value.startswith("/")]


def clone(root: Path, path: str) -> None:
    """What is committed, as a stranger gets it."""
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["git", "-c", "safe.directory=*", "clone", "--quiet", "--no-hardlinks", str(places.CHECKOUT), str(target)], check=True
    )


def inside(root: Path, *command: str, **options) -> subprocess.CompletedProcess:
    environment = {
        "ROOT": str(root),
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        **index(),
    }
    enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "enter"]
    return subprocess.run([*enter, "env", "-u", "ROOT", *command], env=environment, **options)


def in_folder(folder: str) -> list[str]:
    return ["env", "HOME=/root", "make", "-C", folder, "demo", "EXIT=1", f"FRAMES={FRAMES}", f"PORT={ports.free_pair()}"]


def as_user() -> list[str]:
    command = f"make -C pictor demo EXIT=1 FRAMES={FRAMES} PORT={ports.free_pair()}"
    home = f"/home/{USER}"
    drop = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups"]
    return [*drop, "env", "-C", home, f"HOME={home}", "sh", "-c", command]


def expect_the_list(root: Path) -> None:
    """Nothing may be installed: the start names what is missing and how to get it."""
    done = inside(root, *as_user(), capture_output=True, text=True)
    said = done.stdout + done.stderr
    if done.returncode == 0 or "apt-get install" not in said:
        raise Stop(f"A start without the system packages should end with their list, not with:\n{said[-2000:]}")
    say("  A user who may install nothing is told what is missing, and the status is not zero.")


def timed(what: str, root: Path, command: list[str]) -> None:
    say(f"\n{what}:")
    began = time.monotonic()
    done = inside(root, *command)
    if done.returncode:
        raise Stop(f"{what}: make demo EXIT=1 ended with status {done.returncode}.")
    say(f"{what}: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
