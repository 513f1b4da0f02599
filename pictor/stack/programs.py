"""The processes of the stack and their command lines."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pictor.stack.ports import answers
from pictor.stack.processes import Program

if TYPE_CHECKING:
    from pictor.stack.stack import Stack

CODE = Path(__file__).resolve().parent.parent.parent
WEB_THREADS = 128  # eight work at once, the others wait for slow lines (pictor.lines)
WEB_CONNECTIONS = 4_096  # open ones, idle ones among them; more wait to be accepted
HEADER_MS = 10_000  # for the first line and the headers to arrive
SOCKET_BYTES_MAX = 512 * 1024  # of one message; agents may send half of it, and read their refusal when it is more


def module(name: str, *words: str) -> list[str]:
    return [sys.executable, "-m", name, *words]


def servers(stack: "Stack") -> Iterator[Program]:
    """Everything but the node."""
    commands = {
        "web": web(stack),
        "sockets": sockets(stack),
        "feeder": celery("feeder", "--queues=feeder", "--concurrency=1"),
        "background": celery("background", "--queues=background,celery", "--concurrency=2", "--beat", beat_file(stack)),
    }
    ready = {"web": lambda: answers(stack.port, stack.host), "sockets": lambda: answers(stack.port + 1, stack.host)}
    for name, command in commands.items():
        yield Program(name, command, environment=stack.environment, folder=CODE, ready=ready.get(name, lambda: True))


def web(stack: "Stack") -> list[str]:
    words = ["--interface=wsgi", f"--host={stack.host}", f"--port={stack.port}", "--workers=1", "--no-ws", "--no-access-log"]
    if stack.debug:
        words += ["--reload", f"--reload-ignore-paths={stack.var.resolve()}", "--reload-ignore-worker-failure"]
    words += [f"--blocking-threads={WEB_THREADS}", f"--backpressure={WEB_CONNECTIONS}", f"--backlog={WEB_CONNECTIONS}"]
    return module("granian", *words, f"--http1-header-read-timeout={HEADER_MS}", "pictor.wsgi:application")


def sockets(stack: "Stack") -> list[str]:
    """Without per-message compression: it costs 100 to 280 KiB a socket."""
    words = [f"--host={stack.host}", f"--port={stack.port + 1}", "--ws-per-message-deflate=false", "--lifespan=off"]
    words += [f"--ws-max-size={SOCKET_BYTES_MAX}", "--no-proxy-headers"]  # common.limits knows which proxies to believe
    return module("uvicorn", *words, "--log-level=warning", "pictor.asgi:application")


def celery(name: str, *words: str) -> list[str]:
    """A background process; alone at its queues, it need not ask others at its start."""
    quiet = ("--without-gossip", "--without-mingle", "--loglevel=WARNING")
    return module("pictor.background_process", f"--hostname={name}@stack", *quiet, *words)


def beat_file(stack: "Stack") -> str:
    """When each sweep ran last; a fresh one at every start would be as good."""
    return f"--schedule={stack.var / 'beat'}"


def node(stack: "Stack") -> Program:
    """A node like any stranger's: it only knows its configuration file."""
    folder = stack.node_config.parent
    words = [
        f"--blender-python={stack.blender_python}",
        f"--config={stack.node_config}",
        f"--state={folder / 'state'}",
        "--plain",
    ]
    if stack.allow_unsandboxed:
        words.append("--allow-unsandboxed")
    return Program("node", module("pictor_agent", "run", *words), environment=node_environment(stack), folder=folder)


def node_environment(stack: "Stack") -> dict[str, str]:
    """Nothing that the server keeps secret."""
    hidden = {
        "SECRET_KEY",
        "AGENT_SIGNING_KEY",
        "DATABASE_URL",
        "DATABASE_OWNER_URL",
        "REDIS_URL",
        "GOOGLE_CLIENT_SECRET",
        "METRICS_TOKEN",
    }
    hidden |= {name for name in stack.environment if name.startswith(("S3_", "AWS_"))}
    return {name: value for name, value in stack.environment.items() if name not in hidden} | {"PYTHONPATH": str(CODE)}
