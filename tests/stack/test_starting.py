"""How a stack ends at a terminal: Ctrl-C, or the window is closed; either way no child is left."""

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time

import pytest

from pictor.stack.processes import wait_until
from tests.stack.test_supervisor import is_alive

SECONDS_MAX = 90
STACK = """
import sys, time
from pathlib import Path
from pictor.stack.processes import Program
from pictor.stack.starting import orderly
from pictor.stack.supervisor import Supervisor

with orderly():
    supervisor = Supervisor(Path(sys.argv[1]))
    try:
        supervisor.start(Program("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"]))
        print("child", supervisor.pid_of("sleeper"), flush=True)
        time.sleep(600)
    finally:
        supervisor.stop()
"""


def own_terminal() -> None:
    """In the child: its standard input is the terminal that it belongs to."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def at_terminal(tmp_path):
    """The running stack, our end of its terminal, and its child's process id."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", STACK, str(tmp_path)],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, preexec_fn=own_terminal,
    )  # fmt: skip
    os.close(theirs)
    yield process, ours, child_of(ours)
    process.kill()
    process.wait()


def child_of(ours: int) -> int:
    said, deadline = b"", time.monotonic() + SECONDS_MAX
    while b"\n" not in said.partition(b"child ")[2]:
        assert time.monotonic() < deadline, said
        if select.select([ours], [], [], 1)[0]:
            said += os.read(ours, 4096)
    return int(said.partition(b"child ")[2].split()[0])


def test_ctrl_c_stops_every_child_and_ends_with_130(at_terminal):
    process, ours, child = at_terminal
    os.write(ours, b"\x03")
    assert process.wait(SECONDS_MAX) == 130
    assert not is_alive(child)
    os.close(ours)


def test_a_terminal_that_is_closed_stops_every_child(at_terminal):
    process, ours, child = at_terminal
    os.close(ours)
    process.wait(SECONDS_MAX)
    assert wait_until(lambda: not is_alive(child), SECONDS_MAX)
