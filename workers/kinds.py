"""What a product must answer for its kind of work; the products are found by name, so nothing above is imported here.

Every method runs inside the transaction that changes the queue, and gets a whole batch. Lock order everywhere:
work rows first, then lease rows, then the product's own rows. A method may be called again for the same attempt when an
agent repeats itself; it must then answer the same and change nothing.
"""

from datetime import datetime, timedelta
from functools import cache
from typing import ClassVar, NamedTuple, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from common.paging import Place
from pictor_agent import protocol

AVOIDED_FOR = timedelta(seconds=30)  # time enough for a node at work to become free; then better the same one than none


class NewWork(NamedTuple):
    """One thing to do, as its product hands it in."""

    reference: int  # the product's row, for example a render task
    group: int  # the job
    owner_id: int
    requirements: dict  # fields of workers.matching.Requirements
    priority: int = 0  # of the group among its owner's; larger first
    sort: int = 0  # smaller first within a group
    attempts: int = 0  # leases this reference had before; the next attempt gets the number after it
    avoided_id: int | None = None  # the node that failed it: others go first until
    avoided_until: datetime | None = None
    tier: int = 1  # a key of workers.sharing.WEIGHTS
    affinity: str = ""  # what a node keeps of it: nodes that have it go first, nodes that it did not fit are left out
    needed_by_at: datetime | None = None  # earlier ones first among the owner's groups of one priority


class NewLease(NamedTuple):
    """A pair that the feeder has chosen and not yet written."""

    work_id: int
    reference: int
    worker_id: int
    worker_owner_id: int
    score_milli: int  # reference seconds per 1,000 seconds of this node
    attempt: int
    slot: int
    place: int
    group: int = 0


class StartedReport(NamedTuple):
    work_id: int
    reference: int
    worker_id: int
    attempt: int
    group: int = 0


class RenderedReport(NamedTuple):
    work_id: int
    reference: int
    worker_id: int
    attempt: int
    result: protocol.RenderResult
    group: int = 0


class FinishedReport(NamedTuple):
    work_id: int
    reference: int
    worker_id: int
    attempt: int
    result: protocol.RenderResult
    log_tail: str = ""
    group: int = 0


class FailedReport(NamedTuple):
    work_id: int
    reference: int
    worker_id: int
    attempt: int
    reason: str  # a protocol.FailureReason
    detail: str = ""
    log_tail: str = ""
    group: int = 0


class ReturnedReport(NamedTuple):
    work_id: int
    reference: int
    worker_id: int
    attempt: int
    reason: str  # a workers.states.ReturnReason
    group: int = 0


class Made(NamedTuple):
    """One attempt that a node made, as its product tells it to the node's owner."""

    at: datetime  # of its lease
    number: int  # the product's row; with `at` its place in the list
    title: str  # "Carousel, frame 31"
    verdict: str  # "Accepted"
    tone: str  # of the verdict, as components/badge.html
    words: str = ""  # why it ended badly
    fault: str = ""  # whose that was: "this node's"
    seconds: float | None = None  # inside the renderer
    earned_micros: int = 0
    url: str = ""  # of a page about it; empty where the viewer may not see it


class WorkKind(Protocol):
    """One product's side of the queue."""

    alone: ClassVar[bool] = False  # a node gets nothing else beside such work

    def lease(self, leases: list[NewLease], now: datetime) -> tuple[dict[int, protocol.Spec], list[int]]:
        """The complete spec by work id, and the work ids refused (held back or withdrawn here before answering)."""

    def started(self, reports: list[StartedReport], now: datetime) -> None: ...

    def rendered(self, reports: list[RenderedReport], now: datetime) -> dict[int, str]:
        """The storage key for the file of each attempt, by work id; an attempt left out is cancelled and returned."""

    def finished(self, reports: list[FinishedReport], now: datetime) -> None:
        """The files are in the store; the work rows are already gone."""

    def failed(self, reports: list[FailedReport], now: datetime) -> set[int]:
        """The work ids that go back to waiting; the others leave the queue."""

    def returned(self, reports: list[ReturnedReport], now: datetime) -> None:
        """These attempts ended through no fault of the work: it waits again and no attempt is counted."""

    def progressed(self, group: int, references: list[int]) -> None:
        """Progress in Redis is newer; at most twice a second for a group."""

    def logged(self, group: int, references: list[int]) -> None:
        """Logs of running attempts are longer in Redis; at most twice a second for a group."""

    def file_urls(self, reference: int, now: datetime) -> dict[str, str]:
        """Fresh URLs for the files of one reference, by SHA-256."""

    def committed(self, reference: int, worker_id: int, message: protocol.Committed, now: datetime) -> protocol.Show | None:
        """What this attempt must show; None when it holds nothing to be shown, or committed to something else before."""
        return None

    def titles(self, references: list[int]) -> dict[int, str]:
        """What a node's page calls each reference: "Carousel, frame 31"."""

    def made_by(self, worker_id: int, older: Place | None, limit: int, viewer) -> list[Made]:
        """What a node did, the newest lease first; with `older` only what comes after this place (lease, row)."""
        return []


@cache
def _instance(path: str) -> WorkKind:
    return import_string(path)()


def kind_names() -> list[str]:
    return list(import_string(settings.WORK_KINDS))


def kinds_alone() -> list[str]:
    return [name for name in kind_names() if kind_of(name).alone]


def kind_of(name: str) -> WorkKind:
    """The product's handler for one kind.

    Raises:
        KeyError: no product answers for this kind.
    """
    return _instance(import_string(settings.WORK_KINDS)[name])
