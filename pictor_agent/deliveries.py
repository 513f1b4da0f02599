"""Reports on their way: each is said again until the server has recorded it, and its frame sent when a place is granted."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import httpx

from pictor_agent import protocol
from pictor_agent.bandwidth import Bandwidth
from pictor_agent.kept_line import KeptLine
from pictor_agent.line import Line
from pictor_agent.outbox import Key, Outbox, Report
from pictor_agent.transfers import UploadFailed, UrlExpired, upload

RESEND_SECONDS = 15.0  # a report without an answer is said again
UPLOADS_MAX = 2
UPLOAD_GRANTS_MAX = 20  # then the upload has failed


@dataclass(eq=False)
class Delivery:
    """One report; the server's answers wake it."""

    report: Report
    answers: asyncio.Queue = field(default_factory=asyncio.Queue)
    task: asyncio.Task | None = None


@dataclass(eq=False)
class Deliveries:
    line: Line
    outbox: Outbox
    client: httpx.AsyncClient
    due: dict[Key, Delivery] = field(default_factory=dict)
    kept: KeptLine = field(default_factory=KeptLine)
    bandwidth: Bandwidth = field(default_factory=Bandwidth)
    _uploads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(UPLOADS_MAX))

    def add_what_is_due(self) -> None:
        """Reports that an earlier run of the program has left."""
        for report in self.outbox.reports():
            self.add(report)

    def add(self, report: Report) -> Delivery:
        """Begin to deliver what lies in the outbox already."""
        delivery = Delivery(report)
        self.due[report.key] = delivery
        delivery.task = self.line.start(self._until_recorded(delivery))
        return delivery

    def answered(self, message: protocol.UploadGrant | protocol.Recorded) -> None:
        if delivery := self.due.get((message.work_id, message.attempt)):
            delivery.answers.put_nowait(message)

    def forget(self, key: Key) -> None:
        """The server wants no report of this attempt."""
        if delivery := self.due.pop(key, None):
            if delivery.task:
                delivery.task.cancel()
            self.outbox.remove(key)
            self.line.changed.set()

    async def repeat(self) -> None:
        """After a sign-on: what the server may have missed."""
        for delivery in list(self.due.values()):
            await self.line.send(delivery.report.message())

    async def _until_recorded(self, delivery: Delivery) -> None:
        grants = 0
        while True:
            answer = await self._next_answer(delivery)
            if isinstance(answer, protocol.Recorded):
                break
            if isinstance(answer, protocol.UploadGrant) and delivery.report.stage == "rendered":
                grants += 1
                await self._upload(delivery, answer.url, last=grants >= UPLOAD_GRANTS_MAX)
            await self.line.send(delivery.report.message())
        self.outbox.remove(delivery.report.key)
        self.due.pop(delivery.report.key, None)
        self.line.changed.set()

    async def _next_answer(self, delivery: Delivery):
        """What the server said, or None when the report is to be repeated."""
        try:
            async with asyncio.timeout(RESEND_SECONDS):
                return await delivery.answers.get()
        except TimeoutError:
            return None

    async def _upload(self, delivery: Delivery, url: str, *, last: bool) -> None:
        """Send the frame. On success the report becomes "done"; otherwise it stays, and asks for a new grant."""
        report = delivery.report
        try:
            async with self._uploads:
                await upload(self.client, self.outbox.picture_path(report.key), url, self.kept, self.bandwidth)
            report.stage = "done"  # in memory alone: after a restart it is sent once more, which does no harm
        except (UrlExpired, UploadFailed) as error:
            if last:
                await self._give_up(report, str(error))

    async def _give_up(self, report: Report, detail: str) -> None:
        report.stage, report.reason, report.detail = "failed", "upload_failed", detail
        with contextlib.suppress(OSError):  # a full disk: after a restart it is tried once more
            await asyncio.to_thread(self.outbox.put, report)
