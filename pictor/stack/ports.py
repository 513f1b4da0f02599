"""Ports of this machine: a free one, and whether one answers or is taken."""

import errno
import random
import socket

from pictor.stack.words import Stop

FREE_FROM, FREE_TO = 20_000, 32_000


def free_port() -> int:
    """Below those that systems lend to outgoing connections: one of these could take it before the server is up."""
    for _ in range(200):
        port = random.randrange(FREE_FROM, FREE_TO)
        if not is_taken(port):
            return port
    raise Stop(f"No port between {FREE_FROM} and {FREE_TO} is free on this machine.")


def free_pair() -> int:
    """A port that is free together with the next one: pages and sockets."""
    for _ in range(100):
        port = free_port()
        if port < 65535 and not is_taken(port + 1):
            return port
    raise Stop("No two neighbouring ports are free on this machine.")


def answers(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def is_taken(port: int, host: str = "127.0.0.1") -> bool:
    """Would a server be refused this port? Connections that are merely closing do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise Stop(f"Port {port} needs root. Choose one above 1023: PORT=8000") from None
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def require_free(port: int, host: str = "127.0.0.1") -> None:
    if not 0 < port < 65535:
        raise Stop(f"PORT={port} is not a port. Choose a number from 1024 to 65534.")
    for number in (port, port + 1):
        if is_taken(number, host):
            raise Stop(f"Port {number} is in use. Stop what uses it, or choose others: PORT={port + 100}")
