"""The agent that the server offers: what is in the wheel, how it is served, and that it runs from an environment of its own."""

import configparser
import email
import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from pictor_agent import __version__
from pictor_agent.app import files, filling
from pictor_agent.engines import blender_versions
from workers import agent_wheel, installing


@pytest.fixture(scope="module")
def names() -> list[str]:
    return zipfile.ZipFile(BytesIO(agent_wheel.offered().content)).namelist()


class WheelTests:
    def test_it_is_named_by_the_version_that_runs_here(self):
        assert agent_wheel.offered().name == f"pictor_agent-{__version__}-py3-none-any.whl"

    def test_it_holds_the_agent_and_nothing_of_the_server(self, names):
        assert {name.split("/")[0].removesuffix(f"-{__version__}.dist-info") for name in names} == {
            "pictor_agent",
            f"pictor_agent-{__version__}.data",
        }
        code = {str(path.relative_to(settings.BASE_DIR)) for path in (settings.BASE_DIR / "pictor_agent").rglob("*.py")}
        assert code == {name for name in names if name.endswith(".py")}

    def test_it_brings_the_lock_of_every_blender(self, names):
        place = f"pictor_agent-{__version__}.data/data/share/pictor-agent"
        assert {f"{place}/blender-{version.exact}.txt" for version in blender_versions.ALL} <= set(names)

    def test_it_names_every_package_that_an_agent_needs_by_hash(self):
        archive = zipfile.ZipFile(BytesIO(agent_wheel.offered().content))
        listed = archive.read(f"pictor_agent-{__version__}.data/data/share/pictor-agent/node.txt")
        assert listed == (settings.BASE_DIR / "requirements" / "node.txt").read_bytes()

    def test_it_brings_what_gpus_run(self, names):
        assert "pictor_agent/gpu_challenge.cl" in names

    def test_it_brings_what_its_page_is_made_of(self, names):
        place = f"pictor_agent-{__version__}.data/data/share/pictor-agent/static"
        assert {f"{place}/{name}" for name in files.NAMES_OF_SITE} <= set(names)
        own = {f"pictor_agent/app/{name}" for name in files.NAMES_OWN}
        templates = {f"pictor_agent/app/templates/{path.name}" for path in filling.FOLDER.glob("*.html")}
        assert own | templates <= set(names)

    def test_two_builds_are_the_same_bytes(self):
        assert agent_wheel._build() == agent_wheel.offered()

    def test_it_says_what_it_needs(self):
        archive = zipfile.ZipFile(BytesIO(agent_wheel.offered().content))
        said = email.message_from_bytes(archive.read(f"pictor_agent-{__version__}.dist-info/METADATA"))
        assert said["Requires-Python"] == ">=3.11"
        assert "pynacl" in said.get_all("Requires-Dist")


class DownloadTests:
    def url(self) -> str:
        return reverse("workers:agent-wheel", args=[agent_wheel.offered().name])

    def test_anybody_gets_it_with_its_hash(self, client):
        answer = client.get(self.url())
        assert hashlib.sha256(answer.content).hexdigest() == agent_wheel.offered().sha256
        assert answer["ETag"] == f'"{agent_wheel.offered().sha256}"'
        assert answer["Repr-Digest"].startswith("sha-256=:")

    def test_who_has_it_is_told_so(self, client):
        etag = client.get(self.url())["ETag"]
        assert client.get(self.url(), headers={"If-None-Match": etag}).status_code == 304

    def test_another_name_is_not_found(self, client):
        assert client.get(reverse("workers:agent-wheel", args=["pictor_agent-9-py3-none-any.whl"])).status_code == 404

    @pytest.mark.django_db
    def test_the_page_shows_commands_that_name_this_very_file(self, client):
        text = client.get(reverse("workers:agent-install")).text
        wheel = agent_wheel.offered()
        assert f"{settings.SITE_URL}{self.url()}#sha256={wheel.sha256}" in text
        assert "pipx install --python python3.11" in text


class UnitTests:
    def read(self) -> configparser.ConfigParser:
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str
        unit.read_string(agent_wheel.UNIT.read_text())
        return unit

    def test_it_is_offered_as_a_file(self, client):
        answer = client.get(reverse("workers:agent-unit"))
        assert answer["Content-Disposition"] == 'attachment; filename="pictor-agent.service"'
        assert answer.text == agent_wheel.UNIT.read_text()

    def test_it_starts_what_pipx_installs_with_the_file_where_the_page_puts_it(self):
        start = self.read()["Service"]["ExecStart"]
        assert start == f"%h/.local/bin/pictor-agent run --config {installing.CONFIG_PLACE.replace('~', '%h')} --plain"

    def test_it_has_nothing_that_would_keep_bubblewrap_from_its_namespaces(self):
        service = self.read()["Service"]
        assert service["NoNewPrivileges"] == "yes"
        mounting = re.compile("Protect|Private|Restrict(Namespaces|FileSystems)|ReadOnly|Inaccessible|ProcSubset|MemoryDeny")
        assert [name for name in service if mounting.match(name)] == []


@pytest.fixture(scope="module")
def agent(tmp_path_factory) -> Path:
    """In a fresh environment that knows no checkout: dependencies are shared with ours, the agent comes from the wheel."""
    folder = tmp_path_factory.mktemp("node")
    wheel = agent_wheel.offered()
    (folder / wheel.name).write_bytes(wheel.content)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    pip = [sys.executable, "-m", "pip", "--python", folder / "venv/bin/python", "install", "-q", "--no-index", "--no-deps"]
    subprocess.run([*pip, folder / wheel.name], check=True, cwd=folder)
    (packages,) = (folder / "venv/lib").glob("python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "venv/bin/pictor-agent"


class InstalledTests:
    def run(self, agent: Path, *words: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
        variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.run([*before, agent, *words], cwd="/", env=variables, capture_output=True, text=True, timeout=120)

    def test_the_doctor_runs_from_it(self, agent):
        done = self.run(agent, "doctor")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Isolation by bubblewrap" in done.stdout

    def test_its_page_finds_every_file(self, agent):
        script = "from pictor_agent.app import files; print(all(map(files.file_of, files.NAMES_OF_SITE + files.NAMES_OWN)))"
        assert self.run(agent.with_name("python"), "-c", script).stdout == "True\n"

    def test_boxes_can_be_made_without_the_right_to_new_privileges(self, agent):
        """As the unit of systemd starts it."""
        done = self.run(agent, "doctor", before=("setpriv", "--no-new-privs"))
        assert "Isolation by bubblewrap" in done.stdout, done.stdout + done.stderr
