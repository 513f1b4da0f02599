"""One Blender, one set of scenes and one runner for all tests of the agent; everything on loopback."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
import pytest_asyncio

from pictor_agent import sandbox
from pictor_agent.environments import make_environments
from pictor_agent.runner import Runner

HERE = Path(__file__).parent


def blender_python() -> str:
    return os.environ.get("BLENDER_PYTHON") or pytest.fail("BLENDER_PYTHON must name a Python that has bpy")


def environments_folder() -> Path | None:
    """Where the other versions lie; `make test` fetches them."""
    folder = os.environ.get("BLENDER_ENVIRONMENTS")
    return Path(folder) if folder else None


def run_in_blender(script: str, *arguments) -> subprocess.CompletedProcess:
    command = [blender_python(), "-I", str(HERE / script), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, timeout=120)


@pytest.fixture(scope="session")
def scenes(tmp_path_factory) -> Path:
    """A folder with plain.blend, no_camera.blend and hostile.blend, readable by the box's own user."""
    folder = tmp_path_factory.mktemp("scenes")
    folder.chmod(0o755)
    run_in_blender("make_scenes.py", folder, folder / "outside")
    (folder / "garbage.blend").write_bytes(b"BLENDER17-01v0500" + b"no blend at all" * 40)
    for path in folder.iterdir():
        path.chmod(0o644)
    return folder


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def runner():
    """The real runner in the real box; its warm Blenders serve every test."""
    made = Runner(make_environments([blender_python()]), sandbox.find_sandbox())
    yield made
    await made.close()


async def until(condition, *, seconds: float = 90.0, words: str = ""):
    """Wait for `condition()` to be true, looking again whenever the loop has turned; fail after a deadline."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not (value := condition()):
        assert asyncio.get_running_loop().time() < deadline, words or "the deadline passed"
        await asyncio.sleep(0.005)
    return value


@pytest.fixture
def spec():
    """Make a RenderSpec for a scene of `scenes`: 32 x 18 pixels, one sample."""
    return make_spec


def make_spec(main_path: str = "plain.blend", **fields):
    from pictor_agent.protocol import RenderSpec

    usual = {
        "engine": "cycles", "blender_version": "5.0.1", "scene_key": "a" * 64, "main_path": main_path, "files": [],
        "frame": 1, "seed": 7, "width": 32, "height": 18, "samples": 1, "format": "PNG", "seconds_max": 300.0,
    }  # fmt: skip
    return RenderSpec(**{**usual, **fields})


def agent_command(*arguments) -> list[str]:
    return [sys.executable, "-m", "pictor_agent", *map(str, arguments)]
