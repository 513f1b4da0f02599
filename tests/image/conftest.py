"""A Docker that `make test-image` has started, a stack without a node of its own, and the agent's image, built as the page says."""

import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from pictor.stack import ports
from pictor.stack.stack import CODE, Stack
from tests.stories.creator import Creator, Person
from tests.stories.whole import OWN_TO_THE_TESTS

# What the page cannot know: our base, no index, and no bridge (the network's stack listens on this machine's loopback).
BUILD = "docker build --network host --build-arg BASE={base} --build-arg PIP_NO_INDEX=1"
RUN = "docker run --network host"
COMMAND_SECONDS = 600  # of one command of the page; the longest builds the image
INDEX_SECONDS = 180
# Blender lies here already; the agent would fetch it otherwise, 350 MB.
LENT = "--volume {blenders}:/opt/blender:ro --env BLENDER_ENVIRONMENTS=/opt/blender"


@pytest.fixture(scope="session")
def base() -> str:
    """The name of the image that everything is built on."""
    if "PICTOR_BASE" not in os.environ:
        pytest.skip(os.environ.get("NO_DOCKER") or "make test-image starts the Docker that this needs")
    return os.environ["PICTOR_BASE"]


@pytest.fixture(scope="session")
def stack(base):
    """Lighter than the one that all other stories share: no chain, no provider, no node."""
    inherited = {name: value for name, value in os.environ.items() if name not in OWN_TO_THE_TESTS}
    with tempfile.TemporaryDirectory(prefix="pictor-image-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with Stack(Path(folder) / "var", port=ports.free_pair(), inherited=inherited, with_node=False) as running:
            yield running


@dataclass(frozen=True)
class Terminal:
    """An owner's: the commands of the page, typed in one folder."""

    folder: Path
    base: str
    page: str

    def command(self, name: str) -> str:
        """The text of the page's command."""
        return html.unescape(re.search(f'<code id="install-{name}">(.+?)</code>', self.page)[1])

    def type(self, command: str, *, run: str = RUN) -> str:
        """What it says; an error when it fails."""
        command = command.replace("docker build", BUILD.format(base=self.base)).replace("docker run", run)
        done = self._bash("-o", "pipefail", "-c", command)
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done.stdout.strip()

    def says(self, command: str) -> str:
        """Of a command that may fail."""
        return self._bash("-c", command.replace("docker run", RUN)).stdout

    def _bash(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(["bash", *words], cwd=self.folder, capture_output=True, text=True, timeout=COMMAND_SECONDS)


@pytest.fixture(scope="session")
def terminal(stack, base, tmp_path_factory) -> Terminal:
    page = Person(stack, "owner").http.get("/workers/agent/").text
    return Terminal(tmp_path_factory.mktemp("owner"), base, page)


@pytest.fixture(scope="session")
def image(terminal) -> Terminal:
    """The terminal once the image is built: the server's archive, and the locked wheels of this very Python copied in."""
    fetch, build = terminal.command("image").split(" && ")
    terminal.type(fetch)
    (wheels,) = terminal.folder.glob("*/wheels")
    fetch_wheels(wheels)
    terminal.type(build)
    shutil.rmtree(wheels)
    return terminal


def fetch_wheels(folder: Path) -> None:
    """Locked ones; where no index can be reached, the machine is at fault and not the image."""
    requirements = CODE / "requirements" / "node.txt"
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes", "-r", requirements, "-d", folder]
    try:
        done = subprocess.run(pip, capture_output=True, text=True, timeout=INDEX_SECONDS)
    except subprocess.TimeoutExpired:
        pytest.skip("the package index does not answer")
    assert "HASH" not in done.stderr, done.stderr
    if done.returncode:
        pytest.skip(f"the package index gives no wheels: {done.stderr.strip()[-300:]}")


@pytest.fixture
def creator(stack) -> Creator:
    return Creator(stack)
