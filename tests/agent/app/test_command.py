"""`pictor-agent app`, as a program: from no configuration file to a node, and again when the server will not have it."""

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess

import httpx
import pytest
import pytest_asyncio

from pictor_agent import protocol
from pictor_agent.app import command, door
from pictor_agent.config import PAGE_PORT
from tests.agent.conftest import agent_command, until
from tests.agent.gateway import Gateway

pytestmark = [pytest.mark.blender, pytest.mark.xdist_group("blender"), pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def gateway():
    async with Gateway() as made:
        yield made


class Machine:
    """A home folder in which the program is started."""

    def __init__(self, home) -> None:
        self.home, self.states = home, home / ".local/state/pictor-agent"
        self.environment = {**os.environ, "HOME": str(home), "XDG_STATE_HOME": ""}
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            self.environment.pop(name, None)

    def start(self, *words: str) -> subprocess.Popen:
        command = agent_command("app", *words)
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True)

    async def page(self) -> str:
        link = await until(lambda: door.left(self.states))
        async with httpx.AsyncClient() as browser:
            return (await browser.get(link)).text

    async def shows(self, *words: str) -> None:
        """Wait until the page says all of them; the words of a node that ends are there a moment before the form is."""
        page = ""
        async with asyncio.timeout(60):
            while not all(word in page for word in words):
                await asyncio.sleep(0.05)
                page = await self.page()

    async def bring(self, text: str) -> None:
        """Paste it on the page."""
        link = door.left(self.states)
        async with httpx.AsyncClient(headers={"Origin": link.rpartition("/")[0].rpartition("/")[0]}) as browser:
            answer = await browser.post(f"{link}import", files={"text": (None, text)})
        assert answer.status_code == 303


@pytest.fixture
def machine(tmp_path):
    made = Machine(tmp_path)
    made.program = made.start()
    yield made
    with contextlib.suppress(ProcessLookupError):
        made.program.kill()
    made.program.wait()


def config(gateway: Gateway, uid: str = "w_new") -> str:
    return f'server_url = "{gateway.url}"\nworker_uid = "{uid}"\ntoken = "only-once"\nname = "Attic"\nself_test = false\n'


async def test_it_asks_for_the_file_and_becomes_that_node(machine, gateway):
    assert "Which node is this machine?" in await machine.page()
    await machine.bring("nonsense")
    assert "The configuration file: " in await machine.page()
    await machine.bring(config(gateway))
    await gateway.signed_on()
    assert gateway.hellos[0].token == "only-once"
    assert "<h1>Attic</h1>" in await machine.page()
    assert "only-once" not in await machine.page()


async def test_asked_for_again_it_names_the_page_of_the_one_that_runs(machine, gateway):
    await machine.page()
    await machine.bring(config(gateway))
    await gateway.signed_on()
    second = machine.start()
    said = (await asyncio.to_thread(second.communicate, timeout=60))[0]
    assert (second.returncode, door.left(machine.states) in said) == (0, True)


async def test_a_node_that_the_server_will_not_have_is_asked_for_another_file(machine, gateway):
    gateway.refusals = [protocol.Refused(code="bad_token", words="The configuration file was used.")]
    await machine.page()
    await machine.bring(config(gateway))
    await until(lambda: not gateway.refusals)
    await machine.shows("The configuration file was used.", "Which node is this machine?")
    await machine.bring(config(gateway, "w_other"))
    await gateway.signed_on()
    assert gateway.hellos[-1].worker_uid == "w_other"


async def test_a_key_that_is_damaged_is_said_on_the_page_which_stays(machine, gateway):
    key = machine.states / "w_new" / "key"
    key.parent.mkdir(parents=True)
    key.write_bytes(b"short")
    await machine.page()
    await machine.bring(config(gateway))
    await machine.shows("is damaged; delete it and enrol the node again", "Which node is this machine?")
    key.unlink()
    await machine.bring(config(gateway))
    await gateway.signed_on()


@pytest.mark.parametrize(
    ("written", "chosen", "port"),
    [
        ("page_port = 9000", None, 9000),
        ("page_port = 0", None, 0),
        ("page_port = 9000", 9001, 9001),
        ("", None, PAGE_PORT),
        ("server_url = 1", None, PAGE_PORT),
        ("server_url = 1", 9001, 9001),
    ],
)
async def test_the_page_is_at_the_port_that_the_file_or_the_command_line_names(gateway, tmp_path, written, chosen, port):
    path = tmp_path / "node.toml"
    path.write_text(written + "\n" + ("" if "server_url" in written else config(gateway)))
    assert command.page_port(argparse.Namespace(page_port=chosen), path) == port


async def test_stopped_it_takes_the_link_away(machine, gateway):
    await machine.page()
    await machine.bring(config(gateway))
    await gateway.signed_on()
    machine.program.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(machine.program.wait, 60) == 0
    assert not list(machine.states.rglob(door.NAME))


async def test_interrupted_while_it_waits_it_ends_quietly(machine):
    await machine.page()
    machine.program.send_signal(signal.SIGINT)
    assert await asyncio.to_thread(machine.program.wait, 60) == 130
    assert door.left(machine.states) == ""
