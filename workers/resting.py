"""Nodes that take no new work by themselves, as their owners' limits and the machine have it: words, and who is told.

A node may change its mind with every heartbeat. What it takes and what its page says follow at once; its history says so
once a QUIET at most, and then catches up.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from workers import events
from workers.models import Worker
from workers.nudges import nudge_on_commit

LINES = {  # a protocol.RestReason -> why the node is idle
    "paused_here": "It was paused on the machine itself; it takes work again when somebody resumes it there.",
    "in_use": "Its owner uses the machine; it takes work again when nobody has touched it for a while.",
    "too_hot": "A GPU reached its owner's limit of temperature; it takes work again when it is cooler.",
    "too_much_power": "A GPU drew more power than its owner allows; it rests for a minute at least.",
    "disk_full": "Its disk is nearly full: make room on it, or give its cache less.",
}

QUIET = timedelta(minutes=1)
# Of a row of workers_worker as it was `before`, and the heartbeat that is `given`.
DUE = """
    (before.rest_told <> given.resting AND (before.rest_told_at IS NULL OR before.rest_told_at <= %(quiet_since)s))"""


def line_of(reason: str) -> str:
    """Empty for a node that does not rest; a newer agent may know a reason that we do not."""
    return LINES.get(reason, "The node takes no new work for now.") if reason else ""


def show(workers: Iterable[Worker]) -> None:
    """These nodes began to rest, or take work again: their pages look again."""
    for worker in workers:
        events.announce_status(worker)


def tell(workers: Sequence[Worker], *, now: datetime) -> None:
    """The histories of these nodes say that they rest, or that they take work again; for the latter the feeder looks."""
    rests = {worker: line_of(worker.resting) for worker in workers if worker.resting}
    works = {worker: "" for worker in workers if not worker.resting}
    if rests:
        events.record_all(rests, "resting", now=now)
    if works:
        events.record_all(works, "rested", now=now)
        nudge_on_commit()
