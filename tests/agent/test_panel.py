"""The live view in a terminal: what it draws, and what its keys do."""

import asyncio
import io
import os
import pty
import subprocess
import sys

import pytest
import pytest_asyncio
from rich.console import Console

from pictor_agent import panel, protocol
from pictor_agent.status import Status, Task
from tests.agent.conftest import agent_command, until
from tests.agent.gateway import Gateway

BEAT = protocol.Heartbeat(
    cpu_load=0.4,
    ram_used_bytes=20 << 30,
    disk_free_bytes=300 << 30,
    gpus=[protocol.GpuSample(index=0, load=0.94, vram_used_bytes=17 << 30, temperature_celsius=67, power_watts=338)],
)


def text(status: dict, beat: protocol.Heartbeat | None = None) -> str:
    screen = Console(file=io.StringIO(), width=120)
    screen.print(panel.drawn(Status(**({"name": "Attic", "is_connected": True} | status)), beat))
    return screen.file.getvalue()


def test_it_shows_what_the_page_shows():
    site = protocol.Overview(stands="Online, rendering", earned_today_micros=1_200_000, earned_week_micros=5_000_000)
    shown = text({"tasks": [Task("frame 12 of a.blend", "sample 15 of 24", 0.5)], "overview": site}, BEAT)
    for words in (
        "Attic",
        "Rendering",
        "frame 12 of a.blend",
        "sample 15 of 24",
        "Processor 40%",
        "GPU 0: 94%",
        "67 °C",
        "1.20",
    ):
        assert words in shown
    assert "p pause after this task" in shown


def test_a_paused_node_offers_to_resume():
    assert "p resume" in text({"is_paused": True})


def test_what_strangers_name_cannot_play_with_the_terminal():
    hostile = "\x1b[2J[bold]x[/bold]"
    away = text({"name": hostile, "problem": hostile, "is_connected": False, "tasks": [Task(hostile, hostile, 0.5)]})
    shown = away + text({"overview": protocol.Overview(stands=hostile, why=hostile, is_open=False)})
    assert "\x1b" not in shown
    assert "[bold]x[/bold]" in shown


def test_a_service_does_without_it():
    """rich is memory that only a terminal needs."""
    script = (
        "import sys, pictor_agent.running as r; sys.exit(any(name.startswith('pictor_agent.panel') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0


class Screen:
    """`pictor-agent run` in a terminal of its own."""

    def __init__(self, *words: str) -> None:
        self.terminal, inside = pty.openpty()
        environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm-256color"}
        self.program = subprocess.Popen(
            agent_command("run", *words), stdin=inside, stdout=inside, stderr=inside, env=environment, preexec_fn=_own_terminal
        )
        os.close(inside)
        self.seen = ""
        self.reading = asyncio.create_task(asyncio.to_thread(self._read))

    def _read(self) -> None:
        try:
            while block := os.read(self.terminal, 4096):
                self.seen += block.decode(errors="replace")
        except OSError:  # the program has ended
            pass

    def press(self, key: str) -> None:
        os.write(self.terminal, key.encode())


def _own_terminal() -> None:
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.mark.blender
@pytest.mark.xdist_group("blender")
@pytest.mark.asyncio(loop_scope="session")
class KeyTests:
    @pytest_asyncio.fixture(loop_scope="session")
    async def gateway(self):
        async with Gateway() as made:
            yield made

    @pytest_asyncio.fixture(loop_scope="session")
    async def screen(self, gateway, tmp_path):
        path = tmp_path / "node.toml"
        path.write_text(f'server_url = "{gateway.url}"\nworker_uid = "w_t"\nself_test = false\n')
        made = Screen("--config", str(path), "--state", str(tmp_path / "state"))
        yield made
        made.program.kill()
        made.program.wait()
        await made.reading
        os.close(made.terminal)

    def rests(self, gateway) -> list[str]:
        return [message.resting for message in gateway.heard if isinstance(message, protocol.Heartbeat)]

    async def test_keys_pause_resume_and_end_the_node(self, gateway, screen):
        await gateway.signed_on()
        screen.press("p")
        await gateway.until(lambda: self.rests(gateway) == ["paused_here"])
        screen.press("p")
        await gateway.until(lambda: self.rests(gateway) == ["paused_here", ""])
        screen.press("q")
        assert await asyncio.to_thread(screen.program.wait, 60) == 0
        await screen.reading
        assert "for you alone: http://127.0.0.1:" in screen.seen
        assert "N pause now" in screen.seen
        assert "Takes work again" in screen.seen

    async def test_a_pause_that_cannot_be_kept_is_said(self, gateway, screen, tmp_path):
        await gateway.signed_on()
        (tmp_path / "state" / "paused").symlink_to("/nowhere/paused")
        screen.press("p")
        await until(lambda: "The pause could not be kept" in screen.seen)
