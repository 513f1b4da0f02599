"""A node from one release to the next and not to a broken one: the server's own wheels, a real environment, a real process."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.urls import reverse

from pictor_agent import protocol
from tests.agent.conftest import blender_python
from tests.agent.file_server import FileServer
from tests.agent.gateway import Gateway
from tests.builders import make_worker
from tests.workers.builders import NOW
from workers import agent_wheel, releases, services

pytestmark = [pytest.mark.blender, pytest.mark.xdist_group("blender"), pytest.mark.django_db]

PARTS = ("pyproject.toml", "pictor_agent", "scenes/carousel.blend", "requirements")


@dataclass(frozen=True)
class Offer:
    """What the server answers while it runs the code of one version."""

    number: int
    wheel: agent_wheel.Wheel
    release: bytes
    content: bytes


@pytest.fixture
def offer(tmp_path, settings, client, monkeypatch):
    """Have the server run another version of the agent, with `changes` to its files; what it offers then."""

    def make(version: str, **changes: str) -> Offer:
        tree = tmp_path / f"code-{version}"
        for part in PARTS:
            source, target = Path(__file__).parents[2] / part, tree / part
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__")) if source.is_dir() else shutil.copy(
                source, target
            )
        for name in ("pyproject.toml", "pictor_agent/__init__.py"):
            (tree / name).write_text((tree / name).read_text().replace("0.1.0", version))
        for name, text in changes.items():
            (tree / "pictor_agent" / f"{name}.py").write_text(text)
        settings.BASE_DIR = tree
        monkeypatch.setattr(agent_wheel, "_built", [agent_wheel._build()])
        monkeypatch.setattr(releases, "__version__", version)
        wheel = agent_wheel.offered()
        release = client.get(reverse("workers:agent-release")).content
        content = client.get(reverse("workers:agent-wheel", args=[wheel.name])).content
        return Offer(releases.newest().pk, wheel, release, content)

    return make


class Site(FileServer):
    @property
    def release_url(self) -> str:
        return f"{self.url}/workers/agent/release.json"

    def show(self, offer: Offer) -> None:
        self.files["/workers/agent/release.json"] = offer.release
        self.files[f"/workers/agent/{offer.wheel.name}?sha256={offer.wheel.sha256}"] = offer.content


@pytest.fixture
def site():
    with Site() as made:
        yield made


@pytest.fixture
def installed(tmp_path, offer) -> Path:
    """Version 0.1.0, as an owner installs it; what it needs besides is shared with ours."""
    first = offer("0.1.0")
    (tmp_path / first.wheel.name).write_bytes(first.content)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    pip = [sys.executable, "-m", "pip", "--python", tmp_path / "venv/bin/python", "install", "-q", "--no-index", "--no-deps"]
    subprocess.run([*pip, tmp_path / first.wheel.name], check=True, cwd=tmp_path)
    (packages,) = (tmp_path / "venv/lib").glob("python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return tmp_path / "venv/bin/pictor-agent"


@pytest.fixture
def config() -> dict:
    """What a node's file says, but for where the test's server is."""
    return tomllib.loads(services.new_config(make_worker(), now=NOW))


class Agent:
    """The program of a node."""

    def __init__(self, program: Path, folder: Path, config: dict, gateway: Gateway):
        file = folder / "node.toml"
        lines = {**config, "server_url": gateway.url}
        file.write_text("".join(f'{name} = "{value}"\n' for name, value in lines.items()) + "self_test = false\n")
        file.chmod(0o600)
        self.command = [program, "run", "--config", file, "--state", folder / "state", "--plain"]
        self.command += [f"--blender-python={blender_python()}"]
        self.gateway, self.folder = gateway, folder

    async def start(self) -> None:
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "BLENDER"))}
        output = (self.folder / "said").open("ab")
        self.process = await asyncio.create_subprocess_exec(
            *map(str, self.command), cwd="/", env=variables, stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )

    async def signed_on(self, number: int) -> str:
        """The version that comes with the sign-on of this number."""
        await self.gateway.signed_on(number)
        return self.gateway.hellos[number - 1].agent_version

    async def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process.returncode is None:
            self.process.send_signal(how)
        await self.process.wait()


@pytest.fixture
def offers(installed, offer) -> tuple[Offer, Offer]:
    """A release that works, and one that cannot run."""
    broken = "def run(arguments):\n    raise RuntimeError('a part is missing')\n"
    return offer("0.2.0"), offer("0.3.0", running=broken)


async def test_a_node_becomes_the_next_release_and_is_not_taken_along_by_a_broken_one(
    tmp_path, installed, offers, config, site
):
    good, broken = offers
    async with Gateway() as gateway:
        agent = Agent(installed, tmp_path, config, gateway)
        await agent.start()
        try:
            assert await agent.signed_on(1) == "0.1.0"
            assert (await gateway.hear(protocol.Build)).obstacle == ""

            site.show(good)
            await gateway.say(protocol.Release(number=good.number, version="0.2.0", url=site.release_url))
            await gateway.say(protocol.Limits(at=1, update_max=good.number))
            assert await agent.signed_on(2) == "0.2.0"  # the trial
            assert await agent.signed_on(3) == "0.2.0"
            build = await gateway.hear(protocol.Build, number=2)
            assert (build.number, build.sha256, build.words) == (good.number, good.wheel.sha256, "")
            assert len({hello.public_key for hello in gateway.hellos}) == 1
            assert agent.process.returncode is None, "it is the same process"

            await agent.stop(signal.SIGKILL)
            await agent.start()
            assert await agent.signed_on(4) == "0.2.0"

            site.show(broken)
            await gateway.say(protocol.Release(number=broken.number, version="0.3.0", url=site.release_url))
            await gateway.say(protocol.Limits(at=2, update_max=broken.number))
            assert await agent.signed_on(5) == "0.2.0"
            build = await gateway.hear(protocol.Build, number=4)
            assert (build.number, build.tried) == (good.number, broken.number)
            assert "a part is missing" in build.words
        finally:
            await agent.stop()
            print((tmp_path / "said").read_text())
