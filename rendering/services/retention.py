"""The end of scenes and frames: deleted on request or when their time is over; kept longer on request. Money rows stay."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from rendering import events
from rendering.errors import NothingToDo
from rendering.hints import hint_on_commit
from rendering.models import Asset, Film, Job, Output, Scene, SceneFile
from rendering.services.control import cancel_job
from rendering.services.journal import note_job
from rendering.services.merges import awaits_merge, drop_merged_frame
from rendering.services.settlement import lock_job
from rendering.states import JOB_FINAL, SUBMITTED, JobStatus, TaskStatus

BUSY = frozenset({JobStatus.INSPECTING, *SUBMITTED})


@transaction.atomic
def delete_scene(scene: Scene, now: datetime, *, actor=None, with_frames: bool = False) -> None:
    """Delete the scene's files at once; assets that other scenes of the owner need stay, and so do frames, unless asked.

    Jobs that were not submitted are cancelled with it.

    Raises:
        NothingToDo: a job still needs it.

    Locks: its jobs by number, so that none of them can be submitted or requeued meanwhile, then the scene, so that no job
    can come: a transaction that changed a job looks at the scene when it commits.
    """
    jobs = list(scene.jobs.select_for_update(no_key=True).order_by("pk"))
    scene = Scene.objects.select_for_update().get(pk=scene.pk)
    _refuse_busy(jobs)
    if scene.jobs.exclude(pk__in=[job.pk for job in jobs]).exists():
        raise NothingToDo("A new job of this scene was made at this moment. Look at the list again.")
    for job in jobs:
        if job.status in {JobStatus.DRAFT, JobStatus.READY}:
            cancel_job(job, actor, now)
        elif with_frames:
            delete_frames(job, now, actor=actor)
    _delete_files(scene)
    Scene.objects.filter(pk=scene.pk).update(deleted_at=now, inspection=scene.inspection | {"thumbnail_key": ""})


def _refuse_busy(jobs: list[Job]) -> None:
    busy = next((job for job in jobs if job.status in BUSY), None)
    if busy:
        words = f"{busy.name} still needs this scene: it is {busy.get_status_display().lower()}."
        raise NothingToDo(f"{words} Cancel that job first, or wait until it has ended.")
    merging = next((job for job in jobs if awaits_merge(job)), None)
    if merging:
        raise NothingToDo(f"The tiles of {merging.name} are being put together with this scene. Try again in a few minutes.")


def _delete_files(scene: Scene) -> None:
    assets = list(scene.files.values_list("asset", flat=True))
    scene.files.all().delete()
    transaction.on_commit(lambda: drop_assets(assets), robust=True)
    thumbnail = scene.inspection.get("thumbnail_key")
    if thumbnail:
        transaction.on_commit(lambda: default_storage.delete(thumbnail), robust=True)


def drop_assets(asset_ids: Iterable[int]) -> int:
    """Delete those assets that no scene needs, the row first: its file belongs to it alone."""
    dropped = 0
    for asset in Asset.objects.filter(pk__in=asset_ids).exclude(pk__in=SceneFile.objects.values("asset")):
        try:
            with transaction.atomic():
                Asset.objects.filter(pk=asset.pk).delete()
        except (ProtectedError, IntegrityError):
            continue  # a new scene took it meanwhile
        default_storage.delete(asset.storage_key)
        dropped += 1
    return dropped


@transaction.atomic
def keep_scene(scene: Scene, now: datetime) -> datetime:
    """Put the scene's end off by SCENES_KEPT_DAYS from now; returns until when it is kept."""
    until = now + timedelta(days=settings.SCENES_KEPT_DAYS)
    Scene.objects.filter(pk=scene.pk, deleted_at=None).update(kept_until=until, noticed_at=None)
    return until


@transaction.atomic
def delete_frames(job: Job, now: datetime, *, actor=None) -> None:
    """Delete the frames and films of a job that has ended; what it was and cost stays.

    Raises:
        NothingToDo: it is still under way, or finished frames are being checked: they are charged, and their nodes paid.
    """
    job = lock_job(job.pk)
    if job.status not in JOB_FINAL:
        raise NothingToDo("The job is still under way. Cancel it first, or wait until it has ended.")
    if job.tasks.filter(status=TaskStatus.CHECKING).exists():
        raise NothingToDo("Finished frames are still being checked. Try again in a moment.")
    outputs = Output.objects.filter(attempt__task__job=job).exclude(storage_key="")
    if not outputs.update(storage_key="", preview_key="", thumbnail_key=""):
        return
    Film.objects.filter(job=job).delete()
    drop_merged_frame(job)
    Job.objects.filter(pk=job.pk).update(frames_deleted_at=now)
    note_job(job, was=job.status, at=now, detail="Frames and films were deleted.", actor=actor)
    hint_on_commit("drop_frames", job.pk)
    events.job_changed(job.pk, events.STATUS, events.FRAMES, events.NEWEST, events.FILM, events.EVENTS)


@transaction.atomic
def keep_frames(job: Job, now: datetime) -> datetime:
    """Put the end of the job's frames off by FRAMES_KEPT_DAYS from now; returns until when they are kept."""
    until = now + timedelta(days=settings.FRAMES_KEPT_DAYS)
    Job.objects.filter(pk=job.pk).update(frames_kept_until=until, frames_noticed_at=None)
    return until
