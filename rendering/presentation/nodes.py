"""Who works on a job now, or did."""

from dataclasses import dataclass

from common import clock
from rendering.models import Job
from rendering.presentation.reading import Reading
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


def nodes_part(reading: Reading) -> dict:
    nodes = [_node(row, reading.frames_at_work.get(row.reference)) for row in reading.at_work]
    return {
        "job": reading.job,
        "nodes_at_work": nodes,
        "idle_words": _idle_words(reading.job),
        "kept_from": _kept_from(reading.job),
        "rendered_by": [] if nodes else reading.times.nodes,
    }


def _node(row, frame: int | None) -> Node:
    return Node(row.worker_name, row.reference, frame, int((row.fraction or 0) * 100), row.note, row.place)


def _idle_words(job: Job) -> str:
    if job.status in JOB_FINAL:
        return "" if job.charged_micros else "The job is over; no node works on it."
    if job.status == JobStatus.PAUSED:
        return "The job rests; no node works on it."
    return "No node works on it now. As soon as one is free and fits, it shows up here."


def _kept_from(job: Job) -> list[tuple[str, str]]:
    """Name of each node that gets no more of the scene, and why."""
    return [] if job.status in JOB_FINAL else queue.kept_apart(job.scene.scene_key, now=clock.now())
