"""What happened to a node, for its owner's page, and the topics that follow it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from common.realtime import announce_on_commit
from workers.models import Worker, WorkerEvent

KINDS = {  # kind -> words on the page
    "created": "Created",
    "enrolled": "Enrolled with a new key",
    "signed-on": "Signed on",
    "signed-off": "Signed off",
    "lost": "Connection lost",
    "superseded": "Replaced by a newer connection",
    "paused": "Paused",
    "stopped": "Paused at once",
    "resumed": "Resumed",
    "draining": "Finishing its work before it stops",
    "suspended": "Suspended",
    "retired": "Retired",
    "config": "Configuration file or command made",
    "work-returned": "Work went back to the queue",
    "task-failed": "A task failed",
    "refuted": "A picture was proved wrong",
    "misfit": "Work that does not fit this node",
    "located": "Location changed",
    "schedule": "Schedule changed",
    "limits": "Limits changed",
    "service": "Order of service changed",
    "prices": "Prices changed",
    "alerts": "Messages about it changed",
    "updates": "Updates of the agent changed",
    "updated": "The agent was updated",
    "update-failed": "The agent stayed what it was",
    "closed": "Closed for now",
    "opened": "Open for work again",
    "resting": "Takes no new work for now",
    "rested": "Takes work again",
    "maintenance": "Maintenance announced",
    "maintenance-ended": "Maintenance ended",
    "benchmark": "Measured",
    "benchmark-refused": "A benchmark was refused",
    "benchmark-doubted": "Its score is doubted",
    "trusted": "Trusted by an operator",
    "distrusted": "No longer trusted by an operator",
    "hardware": "Its hardware or a driver changed",
    "level": "Level changed",
}

KEPT_FOR = timedelta(days=90)


def topic(worker_id: int) -> str:
    return f"worker:{worker_id}"


def record(worker: Worker, kind: str, *, now: datetime, detail: str = "", actor=None) -> None:
    """Write an event and tell the pages of the node and of its owner."""
    assert kind in KINDS
    WorkerEvent.objects.create(worker=worker, at=now, kind=kind, detail=detail[:300], actor=actor)
    announce_status(worker)


def record_all(details: Mapping[Worker, str], kind: str, *, now: datetime, actor=None) -> None:
    """The same event of many nodes, each with its detail, in one statement."""
    assert kind in KINDS
    rows = [WorkerEvent(worker=worker, at=now, kind=kind, detail=text[:300], actor=actor) for worker, text in details.items()]
    WorkerEvent.objects.bulk_create(rows)
    for worker in details:
        announce_status(worker)


def announce_status(worker: Worker) -> None:
    """How this node stands has changed."""
    announce_on_commit(topic(worker.pk), "status", "events", "work")
    announce_on_commit(f"user:{worker.owner_id}", "workers")


def announce_work(worker_ids: Iterable[int]) -> None:
    """What these nodes run has changed."""
    for worker_id in set(worker_ids):
        announce_on_commit(topic(worker_id), "work")


def drop_old(*, now: datetime, limit: int = 20_000) -> int:
    """Lines that are older than KEPT_FOR are dropped, the oldest first."""
    due = WorkerEvent.objects.filter(at__lt=now - KEPT_FOR).order_by("at").values("pk")[:limit]
    return WorkerEvent.objects.filter(pk__in=due)._raw_delete(using="default")
