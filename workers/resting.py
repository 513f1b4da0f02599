"""Nodes that take no new work by themselves, as their owners' limits and the machine have it: words, and who is told."""

from collections.abc import Sequence
from datetime import datetime

from workers import events
from workers.models import Worker
from workers.nudges import nudge_on_commit

LINES = {  # a protocol.RestReason -> why the node is idle
    "in_use": "Its owner uses the machine; it takes work again when nobody has touched it for a while.",
    "too_hot": "A GPU reached its owner's limit of temperature; it takes work again when it is cooler.",
    "too_much_power": "A GPU drew more power than its owner allows; it rests for a minute at least.",
    "disk_full": "Its disk is nearly full: make room on it, or give its cache less.",
}


def line_of(reason: str) -> str:
    """Empty for a node that does not rest; a newer agent may know a reason that we do not."""
    return LINES.get(reason, "The node takes no new work for now.") if reason else ""


def tell(worker_ids: Sequence[int], *, now: datetime) -> None:
    """These nodes began to rest, or take work again: their history and pages say so."""
    if not worker_ids:
        return
    for worker in Worker.objects.filter(pk__in=worker_ids):
        detail = line_of(worker.resting)
        events.record(worker, "resting" if worker.resting else "rested", now=now, detail=detail)
    nudge_on_commit()
