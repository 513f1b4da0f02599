"""`make test-image`: the images are built and run by a dockerd of the tests' own, on a bare Debian. Needs root.

Where Docker cannot be had, or not used, the tests are skipped and say why: that is the machine's, no finding about the images. No
step waits for ever. The tests themselves run as the unprivileged user, who is given
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
from pictor.stack.words import Stop, say, step

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
INSTALL_SECONDS = 120  # each call of apt-get
BASE_SECONDS = 300  # a bare Debian, from its mirror
START_SECONDS = 60
ANSWER_SECONDS = 120  # each call of docker
REMOVE_SECONDS = 30
END_TRIES, END_PAUSE_SECONDS = 50, 0.2
CGROUPS = Path("/sys/fs/cgroup")

# What the tests need of a daemon, beyond that it answers: it builds, it starts containers, and they reach Debian's mirror.
PROBE = f"FROM {BASE}\nRUN apt-get -q -o APT::Update::Error-Mode=any update\n"

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
    with of_the_machine():
        install()
    remove_stale()
    name = f"{PREFIX}{os.getpid()}"
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=PLACE))
    folder.chmod(0o711)
    try:
        with contextlib.ExitStack() as running:
            with of_the_machine():
                host = running.enter_context(daemon(folder, name))
                with step("A bare Debian as the base of the images"):
                    add_base(folder / "base.tar", host)
                with step("A first container"):
                    try_one(host)
                os.chown(folder / "docker.sock", here.identity.uid, here.identity.gid)
            yield {"DOCKER_HOST": host, "PICTOR_BASE": BASE}
    finally:
        remove(folder, name)


@contextlib.contextmanager
def of_the_machine() -> Iterator[None]:
    """What fails here says nothing about the images."""
    try:
        yield
    except (Stop, OSError, subprocess.SubprocessError) as error:
        raise NoDocker(f"Docker cannot be used: {error}") from None


def install() -> None:
    if os.geteuid() != 0:
        raise NoDocker("dockerd needs root")
    absent = sorted({package for name, package in PROGRAMS.items() if not shutil.which(name)})
    if absent:
        with step(f"Installing {' '.join(absent)}"):
            system.install(absent, [], seconds=INSTALL_SECONDS)
    debian.ensure_mmdebstrap(seconds=INSTALL_SECONDS)


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
    while subprocess.run(["docker", "--host", host, "version"], capture_output=True, timeout=START_SECONDS).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            raise NoDocker(f"dockerd does not start: {tail(log).strip()[-400:]}")
        time.sleep(0.1)


def add_base(tar: Path, host: str) -> None:
    debian.make(tar, INSIDE, debian.own_sources(), *LIGHT, seconds=BASE_SECONDS)
    call(host, "import", str(tar), BASE)
    tar.unlink()


def try_one(host: str) -> None:
    """A daemon answers also where control groups are read-only, mounts are forbidden or containers reach no mirror."""
    call(host, "build", "--network", "host", "--tag", "pictor-probe", "-", said=PROBE)
    call(host, "run", "--rm", "--network", "host", "pictor-probe", "true")


def call(host: str, *words: str, said: str = "") -> None:
    command = ["docker", "--host", host, *words]
    done = subprocess.run(command, input=said, capture_output=True, text=True, timeout=ANSWER_SECONDS)
    if done.returncode:
        raise NoDocker(f"docker {words[0]} fails: {done.stderr.strip()[-400:]}")


def remove_stale() -> None:
    """Of a run that was killed: its dockerd ended with it, its folder stayed."""
    for folder in PLACE.glob(f"{PREFIX}*-*"):
        name = folder.name.rpartition("-")[0]
        if not Path(f"/proc/{name.removeprefix(PREFIX)}").exists():
            remove(folder, name)


def remove(folder: Path, name: str) -> None:
    """What its processes leave; they die a moment after the first one. What cannot go is said: it is no finding of the tests."""
    left = [folder, CGROUPS / name, *CGROUPS.glob(f"*/{name}")]
    for _ in range(END_TRIES):
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], capture_output=True, timeout=REMOVE_SECONDS)
        for group in left[1:]:
            remove_group(group)
        if not any(path.exists() for path in left):
            return
        time.sleep(END_PAUSE_SECONDS)
    say(f"  Left behind, for it cannot be removed: {folder}, or a control group named {name}.")


def remove_group(group: Path) -> None:
    for path, _, _ in os.walk(group, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(path)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
