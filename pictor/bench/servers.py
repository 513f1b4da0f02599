"""The stack's own server processes on the database of the benchmark."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pictor.stack import ports, programs
from pictor.stack.stack import Stack

SETTINGS = {"DJANGO_SETTINGS_MODULE": "pictor.bench.settings"}


@contextmanager
def servers(var: Path, *names: str) -> Iterator[Stack]:
    """Run those of web, sockets, feeder and background that are named; `live_url` answers meanwhile."""
    var.mkdir(parents=True, exist_ok=True)
    stack = Stack(var, port=ports.free_pair(), demo=False, with_node=False, tell=lambda line: None, inherited=dict(os.environ))
    wanted = [program for program in programs.servers(stack) if program.name in names]
    try:
        stack.supervisor.start(*(replace(each, environment=each.environment | SETTINGS) for each in wanted))
        stack.supervisor.watch()
        yield stack
    finally:
        stack.stop()
