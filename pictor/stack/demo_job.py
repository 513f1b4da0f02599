"""The demo creator's job: uploaded, submitted and fetched through the same services as in the pages."""

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.core.files.storage import default_storage

from common import clock
from pictor.stack.words import Stop, say
from rendering import archives, services, uploads
from rendering.errors import RenderingError
from rendering.models import Film, Job, Output, Upload
from rendering.states import JobStatus
from users.personas import persona_user

LOOK_SECONDS = 0.2
INSPECTION_SECONDS_MAX = 300
FILM_SECONDS_MAX = 1800


def begin(scene: Path) -> Job:
    """Upload `scene` as the demo creator; the job is being inspected then."""
    try:
        upload = uploads.start_upload(owner=persona_user("creator"), name=scene.name, size_bytes=scene.stat().st_size)
        send(upload, scene)
        return services.create_job_from_upload(upload)
    except (RenderingError, uploads.UnfitUpload) as error:
        raise Stop(f"{scene.name} was not taken: {error}") from None


def send(upload: Upload, scene: Path) -> None:
    """In chunks, as the browser does."""
    with scene.open("rb") as file:
        offset = 0
        while offset < upload.size_bytes:
            chunk = Slice(file, min(settings.CHUNK_BYTES_MAX, upload.size_bytes - offset))
            offset = uploads.append_to_upload(upload, offset=offset, stream=chunk)


class Slice:
    """The next `size` bytes of a file, as a stream of its own."""

    def __init__(self, file, size: int):
        self.file, self.left = file, size

    def read(self, size: int = -1) -> bytes:
        block = self.file.read(self.left if size < 0 else min(size, self.left))
        self.left -= len(block)
        return block


def submit(job: Job, frames: str, *, alive: Callable[[], None]) -> Job:
    """Await the inspection, choose the frames, submit."""
    deadline = time.monotonic() + INSPECTION_SECONDS_MAX
    while job.status == JobStatus.INSPECTING and time.monotonic() < deadline:
        alive()
        time.sleep(LOOK_SECONDS)
        job.refresh_from_db()
    if job.status != JobStatus.READY:
        raise Stop(f"{job.scene.name} cannot be rendered: {job.failure_detail or job.failure or job.get_status_display()}")
    try:
        if frames:
            job = services.update_settings(job, replace(services.settings_of(job), frames=frames))
        return services.submit_job(job, clock.now(), actor=job.owner)
    except RenderingError as error:
        raise Stop(f"The job was not taken: {error}") from None


def export(job: Job, folder: Path, *, alive: Callable[[], None]) -> None:
    """The accepted frames as files, and the film of them."""
    frames = folder / "frames"
    frames.mkdir(parents=True, exist_ok=True)
    for output in Output.objects.accepted_of(job.pk).select_related("attempt__task"):
        name = PurePosixPath(archives.member_name(job, output.attempt.task.frame, output.storage_key)).name
        copy(output.storage_key, frames / name)
    say(f"  Frames: {frames}")
    film = make_film(job, alive=alive)
    if film.failure or not film.storage_key:
        say(f"  No MP4: {film.failure or 'it is not ready yet'}")
        return
    target = folder / f"{PurePosixPath(job.scene.name).stem}.mp4"
    copy(film.storage_key, target)
    say(f"  MP4:    {target}")


def copy(storage_key: str, target: Path) -> None:
    with default_storage.open(storage_key) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file)


def make_film(job: Job, *, alive: Callable[[], None]) -> Film:
    """At the scene's own pace."""
    film = services.start_film(job, fps=round(job.scene.inspection.get("fps") or 24))
    deadline = time.monotonic() + FILM_SECONDS_MAX
    while film.finished_at is None and time.monotonic() < deadline:
        alive()
        time.sleep(LOOK_SECONDS)
        film.refresh_from_db()
    return film
