"""From an upload to a job in the queue: inspected, settled, submitted."""

import base64
import binascii
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from io import BytesIO

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from common import clock
from common.transitions import StaleMove, move
from pictor_agent import engines
from rendering import events, notices, quotas, scenes, uploads
from rendering.errors import BadSettings, NothingToDo
from rendering.estimates import quote
from rendering.fitting import fit_of
from rendering.hints import hint_on_commit
from rendering.inspected import Inspection, version_for
from rendering.job_settings import SAMPLES_MAX, JobSettings, problems, settings_of
from rendering.models import Job, Scene, Task, Upload
from rendering.reasons import Reason
from rendering.services import holds
from rendering.services.enqueueing import enqueue_tasks
from rendering.services.journal import note_job
from rendering.services.probes import give_up_probes
from rendering.services.settlement import gate_is_closed, lock_job
from rendering.splitting import parse_frames, preview_frames
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
    quotas.one_at_a_time(upload.owner)
    quotas.check_drafts(upload.owner)
    scene = Scene.objects.create(owner=upload.owner, name=upload.name, upload=upload)
    job = Job.objects.create(owner=upload.owner, scene=scene, name=uploads.plain_stem(upload.name), status=JobStatus.INSPECTING)
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
    notices.job_ended(job, now)
    return True


def _as_in_the_file(found: Inspection) -> dict:
    version = version_for(found) if found.blender_version_saved else None
    engine = engines.find(found.engine) or engines.find_by_blender_id(found.engine)
    exact = version.exact if version else Job._meta.get_field("blender_version").default
    return {
        "frames": found.frames,
        "width": found.final_width,
        "height": found.final_height,
        "samples": max(1, min(found.samples, SAMPLES_MAX)),
        "format": found.format,
        "camera": "",
        "engine": engine.name if engine and engines.can_render(engine.name, exact) else "cycles",
        "denoise": None,
        "blender_version": exact,
    }


def _store_thumbnail(scene: Scene, encoded: str | None) -> str:
    """Keep the preview that was saved in the file, decoded and written anew; empty when there is none. An earlier one goes."""
    from rendering import thumbnails  # 20 MB that a web process does without

    key = f"scenes/{scene.owner_id}/thumbnails/{scene.pk}.webp"
    default_storage.delete(key)
    try:
        webp = thumbnails.rewrite(BytesIO(base64.b64decode(encoded or "", validate=True)))
    except (binascii.Error, thumbnails.Undecodable):
        return ""
    return default_storage.save(key, ContentFile(webp))


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
        NothingToDo: its scene is deleted.
    """
    job = lock_job(job.pk)
    if job.status != JobStatus.READY:
        raise StaleMove(f"{job!r} is {job.status}")
    if job.scene.deleted_at:  # a copied job may have come while it was deleted
        raise NothingToDo("The scene of this job is deleted. Upload it again for a new job.")
    _check(job, settings_of(job))
    quotas.one_at_a_time(job.owner)
    quotas.check_jobs(job.owner)
    frames = parse_frames(job.frames)
    fixed = {"device_class": _device_class(job), **_estimate(job, now)}
    numbers = job.grid.numbers() if job.grid else [0]
    holds.open_hold(job, tasks=len(frames) * len(numbers), now=now)
    tasks = Task.objects.bulk_create(
        (Task(job=job, frame=frame, tile=tile) for frame in frames for tile in numbers), batch_size=2_000
    )
    move(job, JobStatus.QUEUED, moves=JOB_MOVES, submitted_at=now, frame_count=len(tasks), **fixed)
    note_job(job, was=JobStatus.READY, at=now, actor=actor)
    enqueue_tasks(job, _before_the_gate(job, tasks))
    transaction.on_commit(partial(give_up_probes, job.pk), robust=True)  # in the way of nothing: their work locks come first
    events.job_status_changed(job)
    return job


def _device_class(job: Job) -> str:
    """The one kind of device that most fitting nodes have, where the creator wants a single one."""
    if not job.one_device_class:
        return ""
    found = fit_of(job).class_most
    if not found:
        raise BadSettings({"one_device_class": "No node that fits is online, so no kind of device can be fixed. Submit later."})
    return found


def _estimate(job: Job, now: datetime) -> dict:
    """The range that its creator has seen, kept to be held against the truth."""
    said = quote(job, now)
    return {
        "estimate_low_micros": said.low_micros,
        "estimate_high_micros": said.high_micros,
        "estimate_low_seconds": said.low_seconds,
        "estimate_high_seconds": said.high_seconds,
        "estimate_basis": said.basis[:200],
    }


def _before_the_gate(job: Job, tasks: list[Task]) -> list[Task]:
    """The tasks of the preview; all where there is no gate."""
    return preview_frames(tasks, job.gate_step) if gate_is_closed(job) else tasks


@transaction.atomic
def copy_job(job: Job, now: datetime | None = None) -> Job:
    """A new job like this one: the same scene and settings, not submitted.

    Raises:
        UnfitUpload: one job too many that is not submitted.
        NothingToDo: the scene was never read, or its files are deleted.
    """
    if not job.scene.inspection or not job.scene.files.exists():
        raise NothingToDo("The files of this scene are deleted. Upload them again for a new job.")
    quotas.one_at_a_time(job.owner)
    quotas.check_drafts(job.owner)
    chosen = asdict(replace(settings_of(job), needed_by_at=None))
    made = Job.objects.create(owner=job.owner, scene=job.scene, status=JobStatus.READY, **chosen)
    note_job(made, was="", at=now or clock.now(), actor=job.owner)
    events.job_status_changed(made)
    return made


def _check(job: Job, settings: JobSettings) -> None:
    cameras = job.scene.inspection.get("cameras")
    if found := problems(settings, cameras=cameras):
        raise BadSettings(found)
