"""What the doctor finds: each failure by code and remedy, the list in the docs, and a bundle without secrets."""

import asyncio
import getpass
import json
import re
import socket
import subprocess
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from pictor_agent import connection, doctor, main, terminal
from pictor_agent.config import State, read_config
from pictor_agent.findings import REMEDIES, Finding
from pictor_agent.redaction import redact
from pictor_agent.updating import installation
from tests.agent.conftest import agent_command, blender_python
from tests.agent.gateway import Gateway
from tests.agent.test_updates import lay

TOKEN = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6"
GOOD = f'server_url = "ws://127.0.0.1:9"\nworker_uid = "w_abc-DEFghi"\ntoken = "{TOKEN}"\nname = "Attic of Wanda"\n'


@pytest.fixture
def config(tmp_path) -> Path:
    path = tmp_path / "node.toml"
    path.write_text(GOOD)
    path.chmod(0o600)
    return path


def look(*words) -> dict[str, Finding]:
    """The findings that have a code."""
    arguments = main.make_parser().parse_args(["doctor", *map(str, words)])
    return {finding.code: finding for finding in doctor.Doctor(arguments).look() if finding.code}


def looked(step: str, *words) -> set[str]:
    """The codes of one step alone."""
    one = doctor.Doctor(main.make_parser().parse_args(["doctor", *map(str, words)]))
    return {finding.code for finding in getattr(one, step)()}


def missing_loader():
    raise doctor.opencl.NoOpenCL("the OpenCL loader is not installed")


class CodesTests:
    def test_the_document_lists_every_code_with_its_remedy(self):
        rows = re.findall(r"^\| `([EW]-[A-Z]+-\d)` \| .+? \| (.+) \|$", Path("docs/doctor.md").read_text(), re.MULTILINE)
        assert dict(rows) == REMEDIES

    def test_every_code_is_found_somewhere_and_no_other_is(self):
        used = set(re.findall(r'"([EW]-[A-Z]+-\d)"', Path("pictor_agent/doctor.py").read_text()))
        assert used == set(REMEDIES)

    def test_an_error_is_bad_a_warning_warns_and_the_rest_is_well(self):
        assert [Finding("", code).tone for code in ("E-DISK-1", "W-DISK-1", "")] == ["bad", "warn", "ok"]


class FindingsTests:
    def test_a_bad_configuration_file(self, tmp_path):
        assert looked("_configuration", "--config", tmp_path / "none.toml") == {"E-CONFIG-1"}

    def test_a_configuration_file_that_others_may_read(self, config, tmp_path):
        config.chmod(0o644)
        assert looked("_configuration", "--config", config, "--state", tmp_path / "s") == {"", "W-CONFIG-2"}

    def test_a_state_folder_that_cannot_be_made(self, config, tmp_path):
        (tmp_path / "file").touch()
        assert "E-STATE-1" in looked("_configuration", "--config", config, "--state", tmp_path / "file" / "state")

    def test_no_bubblewrap(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        assert looked("_sandbox") == {"E-SANDBOX-1"}

    def test_a_bubblewrap_that_may_not_make_namespaces(self, monkeypatch, tmp_path):
        (tmp_path / "bwrap").write_text("#!/bin/sh\necho no permissions to create a new namespace >&2\nexit 1\n")
        (tmp_path / "bwrap").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        assert looked("_sandbox") == {"E-SANDBOX-2"}

    def test_gpus_that_cannot_be_asked_to_compute(self, monkeypatch):
        """A processor that can be (pocl) is none of them."""
        (found,) = doctor._computing(2)
        assert (found.words, found.code) == ("OpenCL finds 0 of 2 GPUs", "W-GPU-3")
        monkeypatch.setattr(doctor.opencl, "devices", missing_loader)
        (found,) = doctor._computing(2)
        assert (found.words, found.code) == ("No GPU can be asked to compute: the OpenCL loader is not installed", "W-GPU-3")

    def test_a_named_blender_that_is_none(self):
        assert looked("_blenders", "--blender-python", "/usr/bin/python3") == {"E-BLENDER-1"}

    def test_no_blender_and_none_to_be_had(self, monkeypatch, tmp_path):
        monkeypatch.setattr(doctor.fetching, "find_python", lambda: None)
        assert looked("_blenders", "--environments", tmp_path) == {"E-BLENDER-2"}

    def test_some_versions_that_cannot_be_had_are_no_error(self, monkeypatch, tmp_path):
        monkeypatch.setattr(doctor.fetching, "find_python", lambda: None)
        found = looked("_blenders", "--blender-python", blender_python(), "--environments", tmp_path)
        assert found == {"", "W-BLENDER-3"}

    def test_a_server_that_cannot_be_reached(self, config, tmp_path):
        assert "E-SERVER-1" in look("--config", config, "--state", tmp_path / "s", "--blender-python", blender_python())

    async def test_a_server_that_answers(self, config, tmp_path):
        async with Gateway() as gateway:
            assert await self.ask(config, gateway.url) == ""

    def test_which_release_runs_and_which_was_not_taken(self, config, tmp_path, monkeypatch):
        monkeypatch.setattr(doctor.installation, "obstacle", lambda config: "")
        releases = doctor.handover.releases_of(State(tmp_path))
        releases.point_to(lay(releases, 4), installation.digest())
        releases.note(tried=5, words="it did not sign on within 180 s")
        one = doctor.Doctor(main.make_parser().parse_args(["doctor", "--config", str(config), "--state", str(tmp_path)]))
        one.config = read_config(config)
        found = list(one._updates())
        assert "release 4 (agent 0.2.0) runs" in found[1].words
        assert (found[2].code, found[2].words) == ("W-UPDATE-2", "Release 5 was not taken: it did not sign on within 180 s")

    @pytest.mark.parametrize(("hours", "words"), [(-2, "120 minutes behind"), (2, "120 minutes ahead of"), (0, "")])
    async def test_a_clock_two_hours_off_is_said_with_what_it_means(self, config, monkeypatch, hours, words):
        clock = SimpleNamespace(time=lambda: time.time() + hours * 3_600)  # of this machine, not of the server beside it
        async with Gateway() as gateway:
            config.write_text(GOOD.replace("ws://127.0.0.1:9", gateway.url))
            monkeypatch.setattr(connection, "time", clock)
            one = doctor.Doctor(main.make_parser().parse_args(["doctor", "--config", str(config)]))
            one.config = read_config(config)
            found = await asyncio.to_thread(lambda: list(one._server()))
        assert [finding.code for finding in found] == (["W-CLOCK-1", ""] if words else [""])
        assert words in found[0].words

    async def test_something_else_than_a_gateway_answers(self, config):
        async def page(reader, writer):
            await reader.readline()
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(page, "127.0.0.1", 0)
        async with server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            assert await self.ask(config, url) == "E-SERVER-2"

    async def ask(self, config: Path, url: str) -> str:
        config.write_text(GOOD.replace("ws://127.0.0.1:9", url))
        command = agent_command("doctor", "--json", "--config", config, "--state", config.parent / "s")
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said, _ = await process.communicate()
        last = json.loads(said)[-1]
        assert url in last["words"]
        assert bool(last["remedy"]) == bool(last["code"])
        return last["code"]

    def test_a_failure_is_printed_with_its_code_and_the_remedy(self, tmp_path):
        done = subprocess.run(agent_command("doctor", "--config", tmp_path / "x"), capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert "E-CONFIG-1" in done.stdout
        assert REMEDIES["E-CONFIG-1"] in done.stdout


PLANTED = {
    "token": TOKEN,
    "key": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "signed": "eyJhbGciOi.x-_" + "A" * 40,
    "address": "192.168.17.23",
    "address6": "2001:db8::17:23",
    "mac": "52:54:00:ab:cd:ef",
    "site": "render.example.org",
    "mail": "wanda@example.org",
    "home": "/home/wanda",
    "node": "Attic of Wanda",
    "uid": "w_abc-DEFghi",
}


class BundleTests:
    @pytest.fixture
    def texts(self, config, tmp_path) -> dict[str, str]:
        """A bundle of a node whose configuration, findings and log hold all that is planted."""
        config.write_text(GOOD.replace("ws://127.0.0.1:9", f"wss://{PLANTED['site']}:1"))
        state = tmp_path / "state"
        state.mkdir()
        said = terminal.Terminal(stream=(tmp_path / "out").open("w"), folder=state)
        for name, secret in PLANTED.items():
            said.say(f"{name}: {secret}, again ({secret}) and 12:34:56 stays")
        said.say("Rendered frame 7 in 1.5 s", "ok")
        command = agent_command("doctor", "--config", config, "--state", state, "--bundle", tmp_path / "help.zip")
        subprocess.run(command, capture_output=True, timeout=60)
        archive = zipfile.ZipFile(tmp_path / "help.zip")
        return {name: archive.read(name).decode() for name in archive.namelist()}

    def test_none_of_the_planted_secrets_is_in_it(self, texts):
        whole = "\n".join(texts.values())
        assert [name for name, secret in PLANTED.items() if secret in whole] == []

    def test_neither_user_nor_machine_is_named(self, texts):
        words = set(re.findall(r"[\w.-]+", "\n".join(texts.values())))
        assert not {getpass.getuser(), socket.gethostname()} & words

    def test_what_helps_is_in_it(self, texts):
        assert set(texts) == {"findings.json", "versions.json", "configuration.json", "log.txt"}
        assert "Rendered frame 7 in 1.5 s" in texts["log.txt"]
        assert "12:34:56 stays" in texts["log.txt"]
        assert "E-SERVER-1" in texts["findings.json"]
        assert json.loads(texts["versions.json"])["agent"]
        assert json.loads(texts["configuration.json"])["fetch_blender"] is True

    def test_a_name_inside_a_word_is_left_alone(self):
        assert redact("the pictorial of pictor", {"pictor": "<user>"}) == "the pictorial of <user>"


class LogTests:
    def test_the_log_keeps_the_last_lines_and_no_more(self, tmp_path, monkeypatch):
        monkeypatch.setattr(terminal, "LOG_BYTES_MAX", 1_000)
        said = terminal.Terminal(stream=(tmp_path / "out").open("w"), folder=tmp_path)
        for number in range(200):
            said.say(f"line {number}")
        sizes = [(tmp_path / name).stat().st_size for name in (terminal.LOG_NAME, terminal.LOG_OLD_NAME)]
        assert max(sizes) < 1_200
        assert "line 199" in (tmp_path / terminal.LOG_NAME).read_text()
