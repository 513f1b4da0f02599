"""The doctor, when somebody asks for it: in a process of its own, so that the node loses neither time nor memory."""

import asyncio
import contextlib
import subprocess
from collections.abc import Sequence

import msgspec

from pictor_agent.findings import REMEDIES, Finding

SECONDS_MAX = 300.0  # it starts each Blender once
FAILED = "The doctor did not end. In a terminal it says more: pictor-agent doctor"


class Row(msgspec.Struct):
    words: str
    code: str


class Examination:
    """`findings` are those of the last one."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self.findings: list[Finding] = []
        self.problem = ""
        self._run: asyncio.Task | None = None

    @property
    def is_running(self) -> bool:
        return self._run is not None and not self._run.done()

    def begin(self) -> None:
        """One at a time."""
        if not self.is_running:
            self._run = asyncio.create_task(self._examine())

    async def stop(self) -> None:
        if self._run is not None:
            self._run.cancel()
            await asyncio.gather(self._run, return_exceptions=True)

    async def _examine(self) -> None:
        self.problem = ""
        try:
            async with asyncio.timeout(SECONDS_MAX):
                rows = msgspec.json.decode(await self._said(), type=list[Row])
        except (OSError, TimeoutError, msgspec.MsgspecError):
            self.problem = FAILED
        else:
            self.findings = [Finding(row.words, row.code if row.code in REMEDIES else "") for row in rows]

    async def _said(self) -> bytes:
        quiet = subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            *self.command, stdin=quiet, stdout=subprocess.PIPE, stderr=quiet, start_new_session=True
        )
        try:
            return (await process.communicate())[0]
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
