"""`make test-image`: the images are built and run by a dockerd of the tests' own, on a bare Debian. Needs root.

Where Docker cannot be had, the tests are skipped and say why. The tests themselves run as the unprivileged user, who is given
the socket; dockerd, its containers and its mounts live in namespaces of their own and end with their first process.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pictor.stack import debian, places, setup, system
from pictor.stack.places import Places
from pictor.stack.processes import APART, die_with_parent, tail
from pictor.stack.words import Stop, step

PREFIX, PLACE = "pictor-docker-", Path("/var/tmp")
BASE = "pictor-base"
INSIDE = "python3,python3-venv,ca-certificates,passwd"
LIGHT = (
    "--variant=apt",
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
)
PROGRAMS = {"dockerd": "docker.io", "docker": "docker.io", "containerd": "containerd", "runc": "runc"}
START_SECONDS = 60
END_TRIES, END_PAUSE_SECONDS = 50, 0.2
CGROUPS = Path("/sys/fs/cgroup")

# A containerd of the machine's would be taken for ours, and the sockets of ours would stay behind.
ENTER = """
set -e
mkdir -p /run/containerd
mount -t tmpfs none /run/containerd
exec dockerd "$@"
"""


def main(words: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that everything is removed
    here = places.choose()
    command = ["-m", "pytest", "tests/image", *words]
    command, environment = setup.prepared(here, tests=True, blender=True, tools=False, command=command)
    with contextlib.ExitStack() as stack:
        try:
            environment |= stack.enter_context(docker(here))
        except NoDocker as reason:
            environment["NO_DOCKER"] = str(reason)
        identity = here.identity.subprocess_arguments()
        return subprocess.call(command, cwd=here.source, env=environment, umask=0o022, **identity)


class NoDocker(Exception):
    """This machine cannot have one; the words say why."""


@contextlib.contextmanager
def docker(here: Places) -> Iterator[dict[str, str]]:
    """A dockerd that holds the base, and how the tests find it.

    Raises:
        NoDocker
    """
    install()
    remove_stale()
    name = f"{PREFIX}{os.getpid()}"
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=PLACE))
    folder.chmod(0o711)
    try:
        with daemon(folder, name) as host:
            with step("A bare Debian as the base of the images"):
                add_base(folder / "base.tar", host)
            os.chown(folder / "docker.sock", here.identity.uid, here.identity.gid)
            yield {"DOCKER_HOST": host, "PICTOR_BASE": BASE}
    finally:
        remove(folder, name)


def install() -> None:
    if os.geteuid() != 0:
        raise NoDocker("dockerd needs root")
    absent = sorted({package for name, package in PROGRAMS.items() if not shutil.which(name)})
    try:
        if absent:
            with step(f"Installing {' '.join(absent)}"):
                system.install(absent, [])
        debian.ensure_mmdebstrap()
    except (Stop, OSError) as error:
        raise NoDocker(f"Docker cannot be installed: {error}") from None


@contextlib.contextmanager
def daemon(folder: Path, name: str) -> Iterator[str]:
    """dockerd with sockets, data and control groups of its own; no bridge and no rule of a firewall."""
    host = f"unix://{folder}/docker.sock"
    options = [f"--host={host}", f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/docker.pid"]
    options += ["--bridge=none", "--iptables=false", f"--cgroup-parent=/{name}", "--exec-opt=native.cgroupdriver=cgroupfs"]
    log = folder / "dockerd.log"
    with log.open("wb") as file:
        command = [*APART, "sh", "-c", ENTER, "enter", *options]
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, preexec_fn=die_with_parent())
    try:
        await_answer(process, host, log)
        yield host
    finally:
        process.kill()
        process.wait()


def await_answer(process: subprocess.Popen, host: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run(["docker", "--host", host, "version"], capture_output=True).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            raise NoDocker(f"dockerd does not start: {tail(log).strip()[-400:]}")
        time.sleep(0.1)


def add_base(tar: Path, host: str) -> None:
    debian.make(tar, INSIDE, debian.own_sources(), *LIGHT)
    subprocess.run(["docker", "--host", host, "import", str(tar), BASE], check=True, capture_output=True)
    tar.unlink()


def remove_stale() -> None:
    """Of a run that was killed: its dockerd ended with it, its folder stayed."""
    for folder in PLACE.glob(f"{PREFIX}*-*"):
        name = folder.name.rpartition("-")[0]
        if not Path(f"/proc/{name.removeprefix(PREFIX)}").exists():
            remove(folder, name)


def remove(folder: Path, name: str) -> None:
    """What its processes leave; they die a moment after the first one."""
    left = [folder, CGROUPS / name, *CGROUPS.glob(f"*/{name}")]
    for _ in range(END_TRIES):
        subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], capture_output=True)
        for group in left[1:]:
            remove_group(group)
        if not any(path.exists() for path in left):
            return
        time.sleep(END_PAUSE_SECONDS)
    raise Stop(f"{folder} or a control group named {name} cannot be removed.")


def remove_group(group: Path) -> None:
    for path, _, _ in os.walk(group, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(path)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
