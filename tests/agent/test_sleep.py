"""A laptop that is closed over a frame and opened again: its lease is lost, it signs on again, and nobody is blamed."""

import asyncio
import contextlib
import hashlib
import signal
import subprocess

import psutil
import pytest

from pictor_agent import protocol
from pictor_agent.protocol import Assignment, FileRef
from tests.agent.conftest import agent_command, blender_python, make_spec
from tests.agent.file_server import FileServer
from tests.agent.gateway import Gateway

pytestmark = [pytest.mark.blender, pytest.mark.xdist_group("blender"), pytest.mark.asyncio(loop_scope="session")]

LONG = {"samples": 1_000_000, "width": 640, "height": 360}


def assignment(site: FileServer, work_id: int, **fields) -> Assignment:
    content = site.files["/plain.blend"]
    ref = FileRef(
        path="plain.blend", sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content), url=f"{site.url}/plain.blend"
    )
    spec = make_spec("plain.blend", files=[ref], scene_key=ref.sha256, frame=work_id, **fields)
    return Assignment(work_id=work_id, attempt=1, slot=0, place=0, lease_seconds=60, spec=spec)


def signal_all(process: asyncio.subprocess.Process, how: int) -> None:
    """The whole machine: the agent, its boxes and what runs in them."""
    agent = psutil.Process(process.pid)
    for each in [*agent.children(recursive=True), agent]:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.send_signal(how)


async def test_what_was_lost_while_it_slept_is_dropped_and_the_next_frame_is_rendered(scenes, tmp_path):
    config = tmp_path / "node.toml"
    with FileServer() as site:
        site.files["/plain.blend"] = (scenes / "plain.blend").read_bytes()
        async with Gateway() as gateway:
            config.write_text(f'server_url = "{gateway.url}"\nworker_uid = "w_test"\nself_test = false\n')
            command = agent_command(
                "run", "--config", config, "--state", tmp_path / "state", "--plain", "--blender-python", blender_python()
            )
            process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                await gateway.signed_on()
                await gateway.say(protocol.Assign(items=[assignment(site, 1, **LONG)]))
                await gateway.hear(protocol.Progress, 1)

                signal_all(process, signal.SIGSTOP)  # the lid is closed
                await gateway.drop()  # as the server does with a node that is silent; the lease goes to another node
                signal_all(process, signal.SIGCONT)

                assert (await gateway.signed_on(2)).holding == [(1, 1)]
                await gateway.say(protocol.Cancel(items=[(1, 1)], reason="this attempt no longer holds its lease"))
                await gateway.say(protocol.Assign(items=[assignment(site, 2)]))
                await gateway.hear(protocol.Rendered, 2)
                assert gateway.order(protocol.Failed) == []
            finally:
                process.kill()
                await process.wait()
