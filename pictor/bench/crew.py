"""Processes of synthetic agents, started, awaited and counted."""

import json
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.contrib.auth import get_user_model
from nacl.signing import SigningKey

from pictor.stack.processes import die_with_parent, wait_until
from workers.models import Worker

START_SECONDS = 60
BATCH = 1_000  # rows of one statement: PostgreSQL takes 65,535 values


@dataclass
class Process:
    """Agents of one process; `counts` is what it printed last: online, recorded, stale."""

    popen: subprocess.Popen
    counts: tuple[int, int, int] = (0, 0, 0)
    reader: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.popen.stdout:
            self.counts = tuple(json.loads(line))


@dataclass
class Crew:
    processes: list[Process]

    def count(self, which: int) -> int:
        assert all(each.popen.poll() is None for each in self.processes), "a process of agents has ended; see its words above"
        return sum(each.counts[which] for each in self.processes)

    @property
    def online(self) -> int:
        return self.count(0)

    @property
    def recorded(self) -> int:
        return self.count(1)


def make_nodes(count: int) -> list[tuple[str, str]]:
    """Enrolled nodes, as (uid, key in hex)."""
    owner = get_user_model().objects.create(username=f"bench-{secrets.token_hex(4)}")
    keys = [SigningKey.generate() for _ in range(count)]
    rows = Worker.objects.bulk_create(
        [Worker(owner=owner, name=f"node-{n}", public_key=bytes(key.verify_key)) for n, key in enumerate(keys)],
        batch_size=BATCH,
    )
    return [(row.uid, bytes(key).hex()) for row, key in zip(rows, keys, strict=True)]


@contextmanager
def crew(
    url: str, *, agents: int, processes: int, seconds: float = 0.0, program: str = "agents", patience: float = START_SECONDS
) -> Iterator[Crew]:
    """Agents that are all online. `program`: the module of this package that plays them."""
    nodes = make_nodes(agents)
    orders = [{"url": url, "nodes": nodes[n::processes], "seconds": seconds} for n in range(processes)]
    with started(program, orders, online=agents, patience=patience) as team:
        yield team


@contextmanager
def started(program: str, orders: list[dict], *, online: int, patience: float = START_SECONDS) -> Iterator[Crew]:
    """A process for each order, once all that they play are online."""
    team = Crew([_start(program, order) for order in orders])
    try:
        if not wait_until(lambda: team.online == online, patience):
            raise RuntimeError(f"{team.online} of {online} {program} came online in {patience:g} s")
        yield team
    finally:
        for each in team.processes:
            each.popen.kill()
            each.popen.wait()


def _start(program: str, order: dict) -> Process:
    popen = subprocess.Popen(
        [sys.executable, "-m", f"pictor.bench.{program}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent(),
    )
    popen.stdin.write(json.dumps(order) + "\n")
    popen.stdin.flush()
    return Process(popen)
