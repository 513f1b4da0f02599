"""Who works on a job now, or did."""

from dataclasses import dataclass
from datetime import datetime

from rendering.models import Attempt, Job, Task
from rendering.services.settlement import KIND
from rendering.states import JOB_FINAL, JobStatus
from workers import services as queue


@dataclass(frozen=True)
class Node:
    """One node with a frame of the job: running it, sending it, or having it next."""

    name: str
    task_id: int
    frame: int | None
    percent: int
    note: str
    place: int | None

    @property
    def words(self) -> str:
        if self.place is None:
            return "sending"
        return f"{self.percent} %" if self.place == 0 else "next"


def nodes_part(job: Job, *, now: datetime) -> dict:
    rows = queue.nodes_at_work(KIND, job.pk)
    frames = dict(Task.objects.filter(job=job, pk__in=[row.reference for row in rows]).values_list("pk", "frame"))
    nodes = [_node(row, frames.get(row.reference)) for row in rows]
    return {
        "job": job,
        "nodes_at_work": nodes,
        "idle_words": _idle_words(job),
        "waiting_words": _waiting_words(job, nodes),
        "rendered_by": [] if nodes else Attempt.objects.accepted().filter(task__job=job).by_node(),
    }


def _waiting_words(job: Job, nodes: list[Node]) -> str:
    """Why the rest is not on a node yet, beside the nodes that are at work."""
    if not nodes or job.status not in {JobStatus.QUEUED, JobStatus.RENDERING}:
        return ""
    return queue.waiting_reason(KIND, job.pk) or ""


def _node(row, frame: int | None) -> Node:
    return Node(row.worker_name, row.reference, frame, int((row.fraction or 0) * 100), row.note, row.place)


def _idle_words(job: Job) -> str:
    if job.status in JOB_FINAL:
        return "" if job.charged_micros else "The job is over; no node works on it."
    if job.status == JobStatus.PAUSED:
        return "The job rests; no node works on it."
    return "No node works on it now. As soon as one is free and fits, it shows up here."
