"""The live view in a terminal: how the node stands, under the lines of what happened; three keys for its verbs.

Loaded only where there is a terminal: rich takes 8 MB of memory. Drawn anew only when something has changed.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel as Frame
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pictor_agent import keys, protocol
from pictor_agent.shift import Shift
from pictor_agent.status import Status, credits_words, headline, status_of
from pictor_agent.terminal import Terminal

LOOK_SECONDS = 1.0
OVERVIEW_SECONDS = 60.0  # a terminal may stay open for weeks
BAR_WIDTH = 32
GIB = 1 << 30
STYLES = {"ok": "green", "info": "cyan", "warn": "yellow", "bad": "red", "accent": "bright_red", "quiet": "dim"}


class Panel:
    """Of one node, on one terminal."""

    def __init__(self, shift: Shift, stream: TextIO) -> None:
        self.shift = shift
        self.console = Console(file=stream, highlight=False)
        self.live = Live(console=self.console, auto_refresh=False, transient=True)
        self.drawn: object = None

    async def show(self) -> None:
        """Until it is cancelled."""
        with self.live, keys.pressed(self._key):
            while True:
                await self.shift.ask_overview(older_than_seconds=OVERVIEW_SECONDS)
                self.refresh()
                await asyncio.sleep(LOOK_SECONDS)

    def refresh(self) -> None:
        facts = (status_of(self.shift), self.shift.last_beat)
        if facts != self.drawn:
            self.drawn = facts
            self.live.update(drawn(*facts), refresh=True)

    def above(self, line: str) -> None:
        """A line of what happened, with its colours."""
        self.console.print(Text.from_ansi(line), soft_wrap=True)

    def _key(self, key: str) -> None:
        shift = self.shift
        match key:
            case "p" if shift.state.is_paused:
                shift.resume()
            case "p" | "N":
                shift.line.start(self._pause(at_once=key == "N"))
            case "q" if not shift.draining:
                shift.drain()
        self.refresh()

    async def _pause(self, *, at_once: bool) -> None:
        try:
            await self.shift.pause(at_once=at_once)
        except OSError as error:
            self.shift.terminal.say(f"The pause could not be kept: {error.strerror}", "bad")


@contextlib.asynccontextmanager
async def shown(shift: Shift, terminal: Terminal):
    """The view, while it lasts, and the terminal's lines above it."""
    panel = Panel(shift, terminal.stream)
    terminal.above = panel.above
    showing = asyncio.create_task(panel.show())
    try:
        yield
    finally:
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)
        terminal.above = None


# What is drawn ----------------------------------------------------------------------------------------------------------


def drawn(status: Status, beat: protocol.Heartbeat | None) -> RenderableType:
    said = headline(status)
    style = STYLES[said.tone]
    parts: list[RenderableType] = [Text.assemble((f"{_plain(said.badge)}  ", f"bold {style}"), _plain(said.words))]
    if status.tasks:
        parts.append(_tasks(status))
    parts += [Text(line) for line in _facts(status, beat)]
    resume = "resume" if status.is_paused else "pause after this task" if status.running else "pause"
    parts.append(Text(f"p {resume}   N pause now   q finish and stop", style="dim"))
    return Frame(Group(*parts), title=Text(_plain(status.name) or "This node"), title_align="left", border_style=style)


def _tasks(status: Status) -> Table:
    table = Table.grid(padding=(0, 1))
    for task in status.tasks:
        bar = Text("") if task.is_next else ProgressBar(total=1.0, completed=task.fraction, width=BAR_WIDTH)
        table.add_row(Text(_plain(task.title)), bar, Text(_plain(task.words), style="dim"))
    return table


def _facts(status: Status, beat: protocol.Heartbeat | None) -> Iterator[str]:
    if beat:
        yield f"Processor {beat.cpu_load:.0%}, memory {beat.ram_used_bytes / GIB:.1f} GB, disk free {beat.disk_free_bytes / GIB:.0f} GB"
        for gpu in beat.gpus:
            yield (
                f"GPU {gpu.index}: {gpu.load:.0%}, {gpu.vram_used_bytes / GIB:.1f} GB, {gpu.temperature_celsius:.0f} °C, "
                f"{gpu.power_watts:.0f} W"
            )
    if site := status.overview:
        yield f"Earned today {credits_words(site.earned_today_micros)}, 7 days {credits_words(site.earned_week_micros)} credits"


def _plain(words: str) -> str:
    """Names, titles, notes and what the server says come from strangers."""
    return "".join(letter for letter in words if letter.isprintable())
