"""Runs a stranger's file in a box: bubblewrap, no network, nothing writable but a private /tmp, limits, an own user.

What is inside: /usr and its libraries, the render environment, one scene folder (read-only), a small /etc, devices of
the GPUs. Results leave through the program's standard output alone, so no folder of the host is writable. Without
bubblewrap there is no box, unless the owner said so by flag; then limits alone remain.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pictor_agent import cgroups, seccomp

NICE = 10  # so that heartbeats live
RENDER_UID = 59_733  # below every range that Debian or systemd hands out; has no entry in /etc/passwd
PROBE_SECONDS = 10
BOX_PREFIX = "pictor-box-"
REAP_SECONDS = 5
END_SECONDS = 2  # a program that closed its pipes and goes on is ended then
PIPE_BYTES = 1 << 20  # as much as a kernel gives to everybody
ENTRY = Path(__file__).with_name("sandbox_entry.py")
PASSWD = f"root:x:0:0::/:/bin/false\nrender:x:{RENDER_UID}:{RENDER_UID}::/tmp:/bin/false\n"
ETC = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/OpenCL", "/etc/localtime")
SYS = ("/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/module/nvidia", "/sys/bus/pci", "/sys/devices/pci0000:00")
ROOT_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
GPU_TABLES = ("/sys/class/drm", "/sys/class/kfd", "/sys/dev/char", "/sys/devices/virtual/kfd", "/opt/rocm")
GPU_DEVICES = ("nvidia*", "nvidia-caps", "kfd", "dri")


class SandboxUnavailable(Exception):
    """This machine cannot isolate; the words say what is missing and what the owner can do."""


@dataclass(frozen=True)
class Limits:
    """What one box may use."""

    memory_bytes: int
    tmp_bytes: int = 4 << 30  # counted as memory too
    processes: int = 1_024  # threads count
    open_files: int = 4_096


@dataclass(frozen=True)
class Contents:
    """What a box holds: a program, and host folders that it sees read-only as (host path, path inside)."""

    program: list[str]
    readable: list[tuple[str, str]]
    environment: dict[str, str] = field(default_factory=dict)


def find_sandbox(*, allow_unsandboxed: bool = False) -> "Sandbox":
    """The best box of this machine.

    Raises:
        SandboxUnavailable: bubblewrap is missing or may not make namespaces, and the owner did not allow to go without.
    """
    program, problem = shutil.which("bwrap"), "bubblewrap is not installed (apt install bubblewrap)"
    if program:
        for as_root in (True, False) if os.geteuid() == 0 else (False,):
            failure = _try_bubblewrap(program, as_root)
            if failure is None:
                return Sandbox(program, as_root)
            problem = failure
    if allow_unsandboxed:
        return Sandbox(None, False)
    raise SandboxUnavailable(problem)


def remove_stale_folders() -> None:
    """Folders of boxes whose agent was killed; only our own, and never over a link."""
    for folder in Path(tempfile.gettempdir()).glob(BOX_PREFIX + "*-*"):
        pid = folder.name.removeprefix(BOX_PREFIX).split("-")[0]
        ours = not folder.is_symlink() and folder.is_dir() and folder.stat().st_uid == os.geteuid()
        if ours and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _try_bubblewrap(program: str, as_root: bool) -> str | None:
    """None when a box can be made; else why not."""
    trial = Contents(["/usr/bin/true"], [])
    floor = _floor(Limits(1 << 28, tmp_bytes=1 << 20))
    try:
        with _filter() as rules:
            command = [program, *_walls(as_root), *floor, *rules.option, "--", *trial.program]
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=PROBE_SECONDS, stdin=subprocess.DEVNULL, pass_fds=rules.open
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap: {error}"
    return None if done.returncode == 0 else f"bubblewrap: {done.stderr.strip()[-300:]}"


def _walls(as_root: bool) -> list[str]:
    """Namespaces. Root needs no user namespace and keeps just enough to become RENDER_UID inside."""
    if as_root:
        apart = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
        own_user = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        apart, own_user = ["--unshare-all", "--unshare-user"], ["--cap-drop", "ALL"]
    return [*apart, *own_user, "--die-with-parent", "--new-session", "--hostname", "render", "--clearenv"]


@dataclass(frozen=True)
class _Filter:
    """The seccomp program on a descriptor that bubblewrap inherits and reads to its end."""

    open: tuple[int, ...]

    @property
    def option(self) -> list[str]:
        return [word for descriptor in self.open for word in ("--seccomp", str(descriptor))]


@contextlib.contextmanager
def _filter():
    program = seccomp.program()
    if not program:
        yield _Filter(())
        return
    with tempfile.TemporaryFile() as file:
        file.write(program)
        file.seek(0)
        yield _Filter((file.fileno(),))


def _floor(limits: Limits) -> list[str]:
    """The file system every box has."""
    base = ["--ro-bind", "/usr", "/usr"]
    for link in ROOT_LINKS:
        if os.path.islink(link):
            base += ["--symlink", os.readlink(link), link]
        elif os.path.isdir(link):
            base += ["--ro-bind", link, link]
    base += _bind("--ro-bind-try", [(path, path) for path in ETC + SYS])
    base += ["--proc", "/proc", "--dev", "/dev", *_gpu_devices()]
    return [*base, "--perms", "1777", "--size", str(limits.tmp_bytes), "--tmpfs", "/tmp"]


def _bind(how: str, pairs: list[tuple[str, str]]) -> list[str]:
    """Mounts, after the folders above them: those that bubblewrap makes by itself only root may enter."""
    above = dict.fromkeys(str(folder) for _, inside in pairs for folder in reversed(Path(inside).parents[:-1]))
    folders = [word for folder in above if not folder.startswith("/usr") for word in ("--perms", "0755", "--dir", folder)]
    return folders + [word for pair in pairs for word in (how, *pair)]


def _gpu_devices() -> list[str]:
    found = sorted(str(path) for pattern in GPU_DEVICES for path in Path("/dev").glob(pattern))
    return [word for path in found for word in ("--dev-bind-try", path, path)] + (_gpu_files() if found else [])


def _gpu_files() -> list[str]:
    """What drivers look up about their card: any PCI root it may sit at, DRM's and ROCm's tables, ROCm itself."""
    roots = sorted(str(path) for path in Path("/sys/devices").glob("pci*"))
    return _bind("--ro-bind-try", [(path, path) for path in (*roots, *GPU_TABLES)])


@dataclass(frozen=True)
class Sandbox:
    """How boxes are made on this machine. `bwrap` None: no isolation, by the owner's flag."""

    bwrap: str | None
    as_root: bool

    @property
    def isolation(self) -> Literal["bubblewrap", "none"]:
        return "bubblewrap" if self.bwrap else "none"

    def inside(self, host_path: str, path_inside: str) -> str:
        """How a program in the box names a thing that is readable there."""
        return path_inside if self.bwrap else host_path

    async def start(self, contents: Contents, limits: Limits, *, python: str = "/usr/bin/python3") -> "Box":
        """Start a program in a new box. `python` runs the entry and must be readable inside."""
        group = cgroups.create(memory_bytes=limits.memory_bytes, processes=limits.processes)
        folder = Path(tempfile.mkdtemp(prefix=f"{BOX_PREFIX}{os.getpid()}-"))
        try:
            with _filter() as rules:
                command = [*_join(group), *self._command(contents, limits, group, folder, python, rules)]
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    env=self._environment(contents, folder),
                    cwd="/",
                    limit=1 << 20,
                    start_new_session=True,
                    pass_fds=rules.open,
                )
        except BaseException:
            group.remove()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        box = Box(process, group, folder)
        box.widen_answers()
        return box

    def _command(self, contents: Contents, limits: Limits, group, folder: Path, python: str, rules: _Filter) -> list[str]:
        entry = [python, "-I", "-S", self.inside(str(ENTRY), "/run/entry.py"), self._settings(limits, group)]
        if self.bwrap is None:
            return [*entry, *contents.program]
        (folder / "passwd").write_text(PASSWD)
        shutil.copyfile(ENTRY, folder / "entry.py")
        own = [(str(folder / "passwd"), "/etc/passwd"), (str(folder / "entry.py"), "/run/entry.py")]
        for path in folder.iterdir():
            path.chmod(0o444)
        binds = _bind("--ro-bind", [*own, *contents.readable])
        variables = [word for pair in self._environment(contents, folder).items() for word in ("--setenv", *pair)]
        closed = ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]
        return [
            self.bwrap,
            *_walls(self.as_root),
            *_floor(limits),
            *binds,
            *variables,
            *closed,
            *rules.option,
            "--",
            *entry,
            *contents.program,
        ]

    def _settings(self, limits: Limits, group) -> str:
        """For sandbox_entry. Where no cgroup counts memory, RLIMIT_DATA counts private anonymous memory instead."""
        chosen = {"NOFILE": limits.open_files, "FSIZE": limits.tmp_bytes, "CORE": 0}
        if not group.limits_memory:
            chosen["DATA"] = limits.memory_bytes
        if not group.limits_processes and self.bwrap:
            chosen["NPROC"] = limits.processes
        uid = RENDER_UID if self.as_root else 0
        return json.dumps({"limits": chosen, "nice": NICE, "uid": uid, "die_with_parent": self.bwrap is None})

    def _environment(self, contents: Contents, folder: Path) -> dict[str, str]:
        tmp = "/tmp" if self.bwrap else str(folder)
        return {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": tmp,
            "TMPDIR": tmp,
            "XDG_CACHE_HOME": tmp + "/cache",
            "XDG_RUNTIME_DIR": tmp,
            "BLENDER_USER_RESOURCES": tmp + "/blender",
            "PYTHONDONTWRITEBYTECODE": "1",
            **contents.environment,
        }


def _join(group: cgroups.ControlGroup) -> list[str]:
    """A shell that enters the cgroup before it becomes the box, so that no process is ever outside."""
    if not group.folders:
        return []
    enter = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 97; shift; done; shift; exec "$@"'
    return ["/bin/sh", "-c", enter, "sh", *group.procs, "--"]


@dataclass
class Box:
    """A running program in its box."""

    process: asyncio.subprocess.Process
    group: cgroups.ControlGroup
    folder: Path
    oom_kills: int = 0

    @property
    def commands(self) -> asyncio.StreamWriter:
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def answers(self) -> asyncio.StreamReader:
        assert self.process.stdout is not None
        return self.process.stdout

    @property
    def noise(self) -> asyncio.StreamReader:
        assert self.process.stderr is not None
        return self.process.stderr

    def widen_answers(self) -> None:
        """Let a program put a light picture into its pipe at once and go on, not wait for us every 64 KiB."""
        pipe = self.process._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
        with contextlib.suppress(AttributeError, OSError):  # Linux alone, and while its user has pipes left
            fcntl.fcntl(pipe.get_extra_info("pipe"), fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    @property
    def is_alive(self) -> bool:
        return self.process.returncode is None

    def kill(self) -> None:
        """End everything inside, now. Bubblewrap's children die with it; without it the process group does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.group.kill()

    async def ended(self) -> bool:
        """Let a box whose program has gone silent end by itself, so that its status is its own; False when it does not."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await self.process.wait()
        return not self.is_alive

    async def close(self) -> None:
        """Kill if alive, wait, and clean up. Safe to call twice."""
        if self.is_alive:
            self.kill()
        transport = self.process._transport  # type: ignore[attr-defined]
        if answers := transport.get_pipe_transport(1):
            answers.close()  # one that nobody reads to its end would keep `wait` waiting for ever
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REAP_SECONDS):
                await self.process.wait()
        transport.close()
        await self.process.wait()
        self.oom_kills = max(self.oom_kills, self.group.oom_kills())
        await self._remove_group()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _remove_group(self) -> None:
        deadline = asyncio.get_running_loop().time() + REAP_SECONDS
        while not self.group.remove() and asyncio.get_running_loop().time() < deadline:
            self.group.kill()
            await asyncio.sleep(0.01)
