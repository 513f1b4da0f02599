"""Where nothing can be rendered the program says so, and what to do; also where Python lacks all that only Unix has."""

import subprocess
import sys

import pytest

from pictor_agent.platforms import obstacle


@pytest.mark.parametrize(
    ("system", "release", "words"),
    [
        ("win32", "10", "on Windows that is WSL2"),
        ("linux", "4.4.0-19041-Microsoft", "This is WSL 1"),
        ("darwin", "24.1.0", "virtual machine with Linux"),
    ],
)
def test_a_system_without_a_sandbox_says_what_to_do(system, release, words):
    assert words in obstacle(system, release).words


@pytest.mark.parametrize("release", ["6.1.0-28-amd64", "5.15.167.4-microsoft-standard-WSL2"])
def test_linux_and_wsl2_are_none(release):
    assert obstacle("linux", release) is None


WINDOWS = """
import asyncio, sys, webbrowser  # Python's own know what they were built for
for name in ("fcntl", "grp", "pwd", "resource", "termios", "tty"):
    sys.modules[name] = None  # as if it did not exist
sys.platform = "win32"
from pictor_agent.main import main
"""


def as_on_windows(script: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", WINDOWS + script], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("command", [["run", "--config", "node.toml"], ["doctor"], ["pause"]])
def test_on_windows_every_command_says_that_it_needs_wsl2_and_ends(command):
    done = as_on_windows(f"sys.exit(main({command}))")
    assert (done.returncode, "WSL2" in done.stdout, done.stderr) == (3, True, "")


# The page is fetched with urllib, for a thread of the same program has no loop.
LOOKED_AT = """
import os, signal, threading, urllib.request
from pictor_agent.app import door

def look(terminal, link, asking):
    def fetch():
        print(urllib.request.urlopen(link).read().decode())
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=fetch).start()

door.announce = look
sys.exit(main(["app", "--no-browser"]))
"""


def test_on_windows_the_page_says_so_too():
    done = as_on_windows(LOOKED_AT)
    assert done.returncode == 3, done.stderr
    assert "<h1>This system cannot render</h1>" in done.stdout
    assert "wsl --install -d Debian" in done.stdout
