"""Who computes where: a node's machine is not its server's, so a benchmark gives each its own part of this one."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
from django.db import connection


@dataclass(frozen=True)
class Cores:
    """Numbers of cores; `is_apart` says that the node shares none with its server."""

    node: frozenset[int]
    server: frozenset[int]

    @property
    def is_apart(self) -> bool:
        return not self.node & self.server

    def run(self, command: list[str]) -> subprocess.CompletedProcess:
        """A program on the node's cores, to its end."""
        pin = self.node

        def enter() -> None:
            os.sched_setaffinity(0, pin)

        return subprocess.run(command, check=True, capture_output=True, text=True, preexec_fn=enter)


def shared() -> Cores:
    """Everybody everywhere."""
    every = frozenset(os.sched_getaffinity(0))
    return Cores(every, every)


def apart() -> Cores:
    """The last core for the node, the others for everything else; shared on a machine with one."""
    every = frozenset(os.sched_getaffinity(0))
    node = frozenset({max(every)})
    return Cores(node, every - node) if len(every) > 1 else shared()


@contextlib.contextmanager
def served_on(cores: Cores) -> Iterator[None]:
    """This process, what it has started and what it starts now, and PostgreSQL, on the server's cores."""
    before = os.sched_getaffinity(0)
    servers = [psutil.Process(), *psutil.Process().children(recursive=True), *database()]
    try:
        _pin(servers, cores.server)
        yield
    finally:
        _pin(servers, before)


def move_node(pid: int, cores: Cores) -> None:
    """An agent with all that it has started; what it starts later follows."""
    node = psutil.Process(pid)
    _pin([node, *node.children(recursive=True)], cores.node)


def database() -> list[psutil.Process]:
    """PostgreSQL's processes, the one that starts the others included."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity")
        found = [psutil.Process(pid) for (pid,) in cursor.fetchall() if psutil.pid_exists(pid)]
    return [*found, *{process.parent() for process in found}]


def _pin(processes: list[psutil.Process], cores: set[int] | frozenset[int]) -> None:
    """With all their threads; one that has ended meanwhile needs no core."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            for thread in process.threads():
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setaffinity(thread.id, cores)
