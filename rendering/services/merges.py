"""What becomes of the frame that is put together from a job's tiles."""

from datetime import datetime

from django.core.files.storage import default_storage
from django.db import transaction

from rendering import events
from rendering.models import Job, MergedFrame, Output
from rendering.services.settlement import lock_job
from rendering.states import JobStatus

TRIES_MAX = 3  # of the same tiles


def wants_merge(job: Job, newest_output: int) -> bool:
    """Is the frame of these tiles still to be made? One that failed again and again is left alone."""
    made = MergedFrame.objects.filter(job=job).first()
    if not made or made.newest_output < newest_output:
        return True
    return made.newest_output == newest_output and bool(made.failure) and made.tries < TRIES_MAX


def awaits_merge(job: Job) -> bool:
    """Is this ended job's frame still to be put together? Its scene is needed until then."""
    if not job.tiles or job.status != JobStatus.COMPLETED or job.frames_deleted_at:
        return False
    newest = Output.objects.accepted_of(job.pk).values_list("pk", flat=True)
    return wants_merge(job, max(newest, default=0))


@transaction.atomic
def keep_merged_frame(job: Job, newest_output: int, merged: dict, now: datetime) -> bool:
    """The frame of these tiles takes the place of an older one; False when a newer one is there, or the job's frames are deleted.

    Args:
        merged: the fields of MergedFrame that speak of the stored file.
    """
    job = lock_job(job.pk)
    old = MergedFrame.objects.filter(job=job).first()
    outdated = old is not None and old.newest_output > newest_output
    if outdated or not _still_there(job, newest_output):
        _drop_on_commit(merged)
        return False
    fields = {**merged, "newest_output": newest_output, "tries": 0, "failure": "", "made_at": now}
    MergedFrame.objects.update_or_create(job=job, defaults=fields)
    if old and old.storage_key != merged["storage_key"]:
        _drop_on_commit(vars(old))
    _announce(job)
    return True


@transaction.atomic
def note_failed_merge(job: Job, newest_output: int, why: str, now: datetime) -> bool:
    """These tiles could not be put together, for the nth time; an older frame stays what it is until a newer one is made."""
    job = lock_job(job.pk)
    old = MergedFrame.objects.filter(job=job).first()
    if old and old.newest_output > newest_output:
        return False
    tries = old.tries + 1 if old and old.newest_output == newest_output else 1
    fields = {"newest_output": newest_output, "tries": tries, "failure": why[:300], "made_at": now}
    MergedFrame.objects.update_or_create(job=job, defaults=fields)
    _announce(job)
    return True


def drop_merged_frame(job: Job) -> None:
    """Its files go with those of the tiles."""
    MergedFrame.objects.filter(job=job).delete()


def _still_there(job: Job, newest_output: int) -> bool:
    return Output.objects.filter(pk=newest_output).exclude(storage_key="").exists()


def _drop_on_commit(merged: dict) -> None:
    keys = [merged[name] for name in ("storage_key", "preview_key", "thumbnail_key") if merged[name]]
    transaction.on_commit(lambda: [default_storage.delete(key) for key in keys], robust=True)


def _announce(job: Job) -> None:
    events.job_changed(job.pk, events.STATUS, events.FRAMES, events.NEWEST)
