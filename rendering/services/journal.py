"""Append-only lines on what happened to a job and its tasks."""

from datetime import datetime

from common.words import one_line
from rendering.models import Job, JobEvent, Task


def note_job(job: Job, *, was: str, at: datetime, reason: str = "", detail: str = "", actor=None) -> None:
    """The job is now what its status says."""
    JobEvent.objects.create(
        job=job, at=at, was=was, became=job.status, reason=reason, detail=one_line(detail)[:300], actor=actor
    )


def task_line(task: Task, *, was: str, became: str, at: datetime, reason: str = "", detail: str = "", actor=None) -> JobEvent:
    """An unsaved line on a task, to be written in bulk."""
    return JobEvent(
        job_id=task.job_id, task=task, at=at, was=was, became=became, reason=reason, detail=one_line(detail)[:300], actor=actor
    )
