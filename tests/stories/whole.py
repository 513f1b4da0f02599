"""The whole stack as real processes on a folder of its own, started once and shared by the stories and the browser."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from pictor.stack import ports
from pictor.stack.stack import Stack

OWN_TO_THE_TESTS = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "REDIS_URL",
    "SITE_URL",
    "LIVE_URL",
    "SECRET_KEY",
    "DEBUG",
    "PICTOR_VAR",
)


@pytest.fixture(scope="session")
def stack_aptos():
    """The full node that the stack asks."""
    from tests.aptos_node import AptosNode  # a second of imports, for those who need them

    node = AptosNode()
    yield node
    node.close()


@pytest.fixture(scope="session")
def stack(stack_aptos):
    """In a folder of its own: pytest closes its own folders to others, and as root the database is another user's."""
    with tempfile.TemporaryDirectory(prefix="pictor-stack-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield from running_stack(Path(name) / "var", APTOS_NODE_URL=stack_aptos.url)


def running_stack(var: Path, **settings: str):
    inherited = {name: value for name, value in os.environ.items() if name not in OWN_TO_THE_TESTS} | settings
    with Stack(var, port=ports.free_pair(), inherited=inherited) as running:
        yield running


@pytest.fixture(scope="session")
def tiny_scene(tmp_path_factory) -> Path:
    """Four frames of a turning cube, 48 x 27 pixels; heavy enough in samples that a kill lands inside a frame."""
    folder = tmp_path_factory.mktemp("scene")
    script = Path(__file__).parent / "make_tiny_scene.py"
    subprocess.run([os.environ["BLENDER_PYTHON"], str(script), str(folder / "tiny.blend")], check=True, capture_output=True)
    return folder / "tiny.blend"
