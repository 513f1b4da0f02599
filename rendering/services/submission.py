"""From an upload to a job in the queue: inspected, settled, submitted."""

import base64
import binascii
from dataclasses import asdict
from datetime import datetime
from io import BytesIO
from pathlib import PurePosixPath

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from common import clock
from common.transitions import StaleMove, move
from rendering import events, quotas, scenes, thumbnails
from rendering.errors import BadSettings
from rendering.hints import hint_on_commit
from rendering.inspected import Inspection, version_for
from rendering.job_settings import SAMPLES_MAX, JobSettings, problems, settings_of
from rendering.models import Job, Scene, Task, Upload
from rendering.reasons import Reason
from rendering.services import holds
from rendering.services.enqueueing import enqueue_tasks
from rendering.services.journal import note_job
from rendering.services.settlement import lock_job
from rendering.splitting import parse_frames
from rendering.states import JOB_MOVES, JobStatus


@transaction.atomic
def create_job_from_upload(upload: Upload, now: datetime | None = None) -> Job:
    """A job for a complete upload; its files are stored and inspected in the background. Once per upload.

    Raises:
        UnfitUpload: it is incomplete, neither a .blend nor a .zip inside, or one too many.
    """
    upload = Upload.objects.select_for_update().get(pk=upload.pk)
    made = Job.objects.filter(scene__upload=upload).first()
    if made:
        return made
    scenes.check_upload(upload)
    quotas.check_drafts(upload.owner)
    scene = Scene.objects.create(owner=upload.owner, name=upload.name, upload=upload)
    job = Job.objects.create(
        owner=upload.owner, scene=scene, name=PurePosixPath(upload.name).stem[:120], status=JobStatus.INSPECTING
    )
    note_job(job, was="", at=now or clock.now(), actor=upload.owner)
    hint_on_commit("inspect_job", job.pk)
    events.job_status_changed(job)
    return job


@transaction.atomic
def record_inspection(job: Job, inspection: Inspection, now: datetime) -> bool:
    """Keep what the sandbox found and set the job up "as in the file". False when the job has moved on."""
    job = lock_job(job.pk)
    if job.status != JobStatus.INSPECTING:
        return False
    found = inspection.to_json() | {"thumbnail_key": _store_thumbnail(job.scene, inspection.thumbnail)}
    Scene.objects.filter(pk=job.scene_id).update(inspection=found)
    move(job, JobStatus.READY, moves=JOB_MOVES, **_as_in_the_file(inspection))
    note_job(job, was=JobStatus.INSPECTING, at=now)
    events.job_status_changed(job)
    return True


@transaction.atomic
def fail_inspection(job: Job, reason: Reason, detail: str, now: datetime) -> bool:
    """The file cannot be rendered; says why. False when the job has moved on."""
    job = lock_job(job.pk)
    if job.status != JobStatus.INSPECTING:
        return False
    move(job, JobStatus.FAILED, moves=JOB_MOVES, failure=reason, failure_detail=detail[:500], finished_at=now)
    note_job(job, was=JobStatus.INSPECTING, at=now, reason=reason, detail=detail)
    events.job_status_changed(job)
    return True


def _as_in_the_file(found: Inspection) -> dict:
    version = version_for(found) if found.blender_version_saved else None
    return {
        "frames": found.frames,
        "width": found.final_width,
        "height": found.final_height,
        "samples": max(1, min(found.samples, SAMPLES_MAX)),
        "format": found.format,
        "camera": "",
        "engine": "cycles",
        "denoise": None,
        **({"blender_version": version.exact} if version else {}),
    }


def _store_thumbnail(scene: Scene, encoded: str | None) -> str:
    """Keep the preview that was saved in the file, decoded and written anew; empty when there is none."""
    try:
        webp = thumbnails.rewrite(BytesIO(base64.b64decode(encoded or "", validate=True)))
    except (binascii.Error, thumbnails.Undecodable):
        return ""
    return default_storage.save(f"scenes/{scene.owner_id}/thumbnails/{scene.pk}.webp", ContentFile(webp))


@transaction.atomic
def update_settings(job: Job, settings: JobSettings) -> Job:
    """Change the settings of a job that is ready.

    Raises:
        BadSettings: they cannot be rendered.
        StaleMove: it is submitted already, or not inspected yet.
    """
    job = lock_job(job.pk)
    if job.status != JobStatus.READY:
        raise StaleMove(f"{job!r} is {job.status}")
    _check(job, settings)
    Job.objects.filter(pk=job.pk).update(**asdict(settings))
    events.job_changed(job.pk, events.STATUS)
    job.refresh_from_db()
    return job


@transaction.atomic
def submit_job(job: Job, now: datetime, actor=None) -> Job:
    """Split the job into tasks, set credit aside for the first ones and put everything into the queue.

    Raises:
        BadSettings: the settings cannot be rendered.
        QuotaExceeded: the owner has too many jobs at work.
        InsufficientCredit: credit does not cover one frame.
        StaleMove: it was submitted, or is not ready.
    """
    job = lock_job(job.pk)
    if job.status != JobStatus.READY:
        raise StaleMove(f"{job!r} is {job.status}")
    _check(job, settings_of(job))
    quotas.check_jobs(job.owner)
    frames = parse_frames(job.frames)
    holds.open_hold(job, tasks=len(frames), now=now)
    tasks = Task.objects.bulk_create((Task(job=job, frame=frame) for frame in frames), batch_size=2_000)
    move(job, JobStatus.QUEUED, moves=JOB_MOVES, submitted_at=now, frame_count=len(tasks))
    note_job(job, was=JobStatus.READY, at=now, actor=actor)
    enqueue_tasks(job, tasks)
    events.job_status_changed(job)
    return job


def _check(job: Job, settings: JobSettings) -> None:
    cameras = job.scene.inspection.get("cameras")
    if found := problems(settings, cameras=cameras):
        raise BadSettings(found)
