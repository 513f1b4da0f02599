"""The creator's no to a preview."""

from datetime import datetime

from django.db import transaction

from common import clock
from common.transitions import StaleMove
from rendering.models import Job
from rendering.services.control import cancel_job
from rendering.services.submission import copy_job
from rendering.states import JobStatus, PauseReason


@transaction.atomic
def change_preview(job: Job, actor=None, now: datetime | None = None) -> Job:
    """End the job with its preview, of which only finished frames are charged, and open a new one like it to be changed.

    Raises:
        StaleMove: the job does not wait for approval (any more).
        UnfitUpload, NothingToDo: as copy_job; nothing has changed then.
    """
    now = now or clock.now()
    job.refresh_from_db(fields=["status", "pause_reason"])
    if job.status != JobStatus.PAUSED or job.pause_reason != PauseReason.GATE:
        raise StaleMove(f"{job!r} waits for no approval")
    made = copy_job(job, now)
    cancel_job(job, actor, now)
    return made
