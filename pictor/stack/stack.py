"""The whole stack as real processes: databases, web, sockets, feeder, background, one node. The same code as production.

with Stack(var, port=8000) as stack:
    ...  # stack.url answers; stack.failure says why it cannot be kept alive
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from pictor.stack import databases, ports, programs, secret_file
from pictor.stack.processes import tail
from pictor.stack.supervisor import Supervisor
from pictor.stack.words import Stop, say

CODE = Path(__file__).resolve().parent.parent.parent
FREE_BYTES_MIN = 512 * 1024**2
RUNNING_BYTES_MIN = 64 * 1024**2  # below this a running stack ends, while PostgreSQL still has room to end well


@dataclass
class Stack:
    """One stack on one var folder and two neighbouring ports. `start` once, `stop` once."""

    var: Path
    port: int = 8000  # pages; sockets take the next one
    host: str = "127.0.0.1"
    demo: bool = True  # personas and their credit
    debug: bool = False
    with_node: bool = True
    allow_unsandboxed: bool = False
    inherited: dict[str, str] = field(default_factory=lambda: dict(os.environ))  # DATABASE_URL and the like, where it is set
    tell: Callable[[str], None] = say
    meanwhile: Callable[["Stack"], None] = lambda stack: None  # done while the tables are made
    _lock_file: IO | None = field(default=None, repr=False)

    @cached_property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.var / "log", tell=self.tell)

    @cached_property
    def databases(self) -> databases.Databases:
        return databases.choose(self.var, secret_file.load(self.var), self.inherited)

    @property
    def url(self) -> str:
        return self.inherited.get("SITE_URL") or f"http://{self.host}:{self.port}"

    @property
    def live_url(self) -> str:
        return self.inherited.get("LIVE_URL") or f"ws://{self.host}:{self.port + 1}"

    @property
    def blender_python(self) -> str:
        return self.inherited.get("BLENDER_PYTHON", "")

    @property
    def failure(self) -> str:
        return self.supervisor.failure

    @property
    def environment(self) -> dict[str, str]:
        """What every process of the stack is told, on top of what this one was told."""
        settings = {
            "DJANGO_SETTINGS_MODULE": "pictor.settings",
            "PICTOR_VAR": str(self.var),
            "PICTOR_DEMO": "1" if self.demo else "0",
            "DEBUG": "1" if self.debug else "0",
            "SECRET_KEY": self.inherited.get("SECRET_KEY") or secret_file.load(self.var).secret_key,
            "AGENT_SIGNING_KEY": self.inherited.get("AGENT_SIGNING_KEY") or secret_file.load(self.var).agent_signing_key,
            "SITE_URL": self.url,
            "LIVE_URL": self.live_url,
            "ALLOWED_HOSTS": ",".join(dict.fromkeys([urlsplit(self.url).hostname or "", self.host, "127.0.0.1", "localhost"])),
            "DATABASE_URL": self.databases.app_url,
            "REDIS_URL": self.databases.redis_url,
            "BLENDER_PYTHON": self.blender_python,
            "PYTHONUNBUFFERED": "1",
        }
        return {**self.inherited, **settings}

    @property
    def node_config(self) -> Path:
        return self.var / "node" / "node.toml"

    def __enter__(self) -> "Stack":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *failure) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when every process answers.

        Raises:
            Stop: one line on why not.
        """
        self.require_space(FREE_BYTES_MIN)
        self._take_lock()
        ports.require_free(self.port, self.host)
        self._prepare()
        self.supervisor.start(*programs.servers(self))
        if self.with_node:
            self.supervisor.start(programs.node(self))
        self.supervisor.watch()

    def stop(self) -> None:
        self.supervisor.stop()
        if self._lock_file:
            self._lock_file.close()

    def pid_of(self, name: str) -> int:
        """Of postgres, valkey, web, sockets, feeder, background or node."""
        return self.supervisor.pid_of(name)

    def manage(self, *words: str, owner: bool = False) -> str:
        """Run `manage.py` in this stack; as the tables' owner where it changes them."""
        with self._managing(*words, owner=owner) as process:
            return process.communicate()[0].decode()

    @contextmanager
    def _managing(self, *words: str, owner: bool = False) -> Iterator[subprocess.Popen]:
        """`manage.py` beside the block, whose end awaits its own.

        Raises:
            Stop: it failed; its last line and where its log is.
        """
        environment = self.environment | ({"DATABASE_URL": self.databases.owner_url} if owner else {})
        log = self.supervisor.log_of("manage")
        with log.open("ab") as file:
            command = [sys.executable, "manage.py", *words]
            process = subprocess.Popen(
                command, cwd=CODE, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file
            )
        with process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            last = (tail(log).strip().splitlines() or ["no reason given"])[-1]
            raise Stop(f"manage.py {words[0]} failed: {last}\nIts log: {log}")

    def _prepare(self) -> None:
        """Databases, tables, rights, static files, personas, and the node's configuration: one process, as owner. It loads
        its code and collects static files while the databases start.
        """
        words = ["prepare_stack", f"--app-role={self.databases.app_role}"]
        if self.with_node:
            words.append(f"--node-config={self.node_config}")
        with self._managing(*words, owner=True) as process:
            self.databases.start(self.supervisor)
            with suppress(BrokenPipeError):  # it has ended already, and its status says why
                process.stdin.write(b"started\n")
                process.stdin.flush()
            self.meanwhile(self)
            process.communicate()

    def require_alive(self) -> None:
        """Asked again and again while the stack is up.

        Raises:
            Stop: it cannot go on; one line on why.
        """
        if self.failure:
            raise Stop("The stack was stopped: a process cannot be kept alive.")
        self.require_space(RUNNING_BYTES_MIN)

    def require_space(self, needed_bytes: int) -> None:
        try:
            self.var.mkdir(parents=True, exist_ok=True)
            free_bytes = shutil.disk_usage(self.var).free
        except OSError as error:
            raise Stop(f"{self.var} cannot be used: {error.strerror}") from None
        if free_bytes < needed_bytes:
            raise Stop(
                f"The disk of {self.var} is full: {free_bytes // 1024**2} MiB are free, {needed_bytes // 1024**2} are needed."
            )

    def _take_lock(self) -> None:
        """Two stacks on one folder would share a database."""
        self._lock_file = (self.var / "stack.lock").open("a+")
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Stop(f"A stack is running on {self.var} already. Stop it first, or look at its pages.") from None
