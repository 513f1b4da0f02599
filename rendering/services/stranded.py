"""Jobs that wait for something that no node online has: their creators are told once, in words with figures."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from rendering import events
from rendering.models import Job, JobEvent, Task
from rendering.reasons import Reason
from rendering.services.journal import note_job
from rendering.services.settlement import KIND
from rendering.states import JobStatus, TaskStatus
from workers import services as queue

PATIENCE = timedelta(minutes=2)  # a node that restarts is back by then


def note_stranded_jobs(now: datetime, *, limit: int) -> int:
    """Write into the history of jobs of which nothing runs what no node has; returns how many were told."""
    at_work = Task.objects.filter(job=OuterRef("pk"), status__in=[TaskStatus.RENDERING, TaskStatus.CHECKING])
    waits = Job.objects.filter(status__in=[JobStatus.QUEUED, JobStatus.RENDERING], submitted_at__lt=now - PATIENCE)
    jobs = waits.filter(~Exists(at_work)).order_by("?")[:limit]
    return sum(_note(job, queue.what_is_missing(KIND, job.pk), now) for job in jobs)


@transaction.atomic
def _note(job: Job, missing: str, now: datetime) -> bool:
    if not missing or _was_told(job, missing):
        return False
    note_job(job, was=job.status, at=now, reason=Reason.NO_NODE_FITS, detail=missing)
    events.job_changed(job.pk, events.EVENTS, events.STATUS)
    return True


def _was_told(job: Job, missing: str) -> bool:
    """The last such line says the same: the figures have not changed."""
    told = JobEvent.objects.filter(job=job, reason=Reason.NO_NODE_FITS).order_by("-at", "-id")
    return told.values_list("detail", flat=True).first() == missing[:300]
