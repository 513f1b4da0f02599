"""Valid rows with one call, made on the road that the product takes; a test spells out only the fact it is about."""

import hashlib
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count

import numpy as np
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from credit import services as credit
from pictor_agent import protocol
from pictor_agent.pixels import pixels_sha256
from rendering import frames, scenes, services
from rendering.models import Asset, Job, Scene, SceneFile, Task
from rendering.states import JobStatus, TaskStatus
from workers import services as queue
from workers.models import Lease, Worker

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MICROS = 1_000_000
_numbers = count(1)


# People, files, nodes -------------------------------------------------------------------------------------------------


def make_user(name: str = "", *, credits: int = 0, **fields):
    """A person; with `credits` of promotional credit."""
    name = name or f"person{next(_numbers)}"
    user = get_user_model().objects.filter(username=name).first() or get_user_model().objects.create(
        username=name, email=f"{name}@example.org", display_name=name.title(), **fields
    )
    if credits:
        give(user, credits * MICROS)
    return user


def give(user, amount_micros: int) -> None:
    credit.grant_promotion(user=user, amount_micros=amount_micros, key=f"test:promotion:{next(_numbers)}")


def make_scene(owner, *, name: str = "carousel.blend", content: bytes = b"BLENDER17-01v0500", **inspection) -> Scene:
    """A stored and inspected scene of one file."""
    key = f"scenes/{owner.pk}/{hashlib.sha256(content).hexdigest()}"
    if not default_storage.exists(key):
        default_storage.save(key, ContentFile(content))
    sha256 = key.rpartition("/")[2]
    asset, _ = Asset.objects.get_or_create(
        owner=owner, sha256=sha256, defaults={"storage_key": key, "size_bytes": len(content)}
    )
    facts = {"cameras": ["Camera"], "camera": "Camera", "width": 32, "height": 18, "samples": 1} | inspection
    scene = Scene.objects.create(
        owner=owner, name=name, main_path=name, scene_key=scenes.scene_key({name: sha256}), inspection=facts
    )
    SceneFile.objects.create(scene=scene, path=name, asset=asset)
    return scene


def make_worker(owner=None, **fields) -> Worker:
    """An online node with Blender 5.0.1, 16 GiB and a sandbox."""
    number = next(_numbers)
    row = {
        "name": f"node-{number}",
        "status": "online",
        "connected_at": NOW,
        "last_seen_at": NOW,
        "gateway_id": "test-gateway",
        "connection_epoch": 1,
        "ram_bytes": 16 * 1024**3,
        "blender_versions": ["5.0.1"],
        "isolation": "bubblewrap",
        "cpu_cores": 8,
        "cpu_model": "Test CPU",
        "protocol": protocol.VERSION,
    } | fields
    return Worker.objects.create(owner=owner or make_user("wanda"), **row)


# Jobs -----------------------------------------------------------------------------------------------------------------


def make_job(owner=None, *, status: str = JobStatus.READY, frames: str = "1-3", worker: Worker | None = None, **fields) -> Job:
    """A job of alice in `status`, driven there by the verbs: a submitted one has its tasks, work and hold.

    `rendering` has its first frames leased to `worker`; `completed` has them all accepted.
    """
    owner = owner or make_user("alice", credits=10)
    row = {"name": "Carousel", "width": 32, "height": 18, "samples": 1, "format": "PNG"} | fields
    scene = row.pop("scene", None) or make_scene(owner)
    first = status if status in {JobStatus.DRAFT, JobStatus.INSPECTING} else JobStatus.READY
    job = Job.objects.create(owner=owner, scene=scene, status=first, frames=frames, **row)
    if status not in {JobStatus.DRAFT, JobStatus.INSPECTING, JobStatus.READY}:
        _drive(job, status, worker)
    job.refresh_from_db()
    return job


def _drive(job: Job, status: str, worker: Worker | None) -> None:
    if status == JobStatus.CANCELLED:
        return services.cancel_job(job, job.owner, NOW)
    services.submit_job(job, NOW)
    if status == JobStatus.PAUSED:
        return services.pause_job(job, job.owner, NOW)
    if status in {JobStatus.RENDERING, JobStatus.COMPLETED, JobStatus.FAILED}:
        worker = worker or make_worker()
        feed()
    if status == JobStatus.RENDERING:
        services.refresh_job(job.pk, NOW)
    if status == JobStatus.COMPLETED:
        finish_job(job)
    if status == JobStatus.FAILED:
        services.stop_job(job.pk, "scene_unreadable", "Blender cannot open the file.", NOW)


def finish_job(job: Job) -> None:
    """Every frame rendered, checked and accepted, two seconds each."""
    for _ in range(job.tasks.count()):
        feed()
        for task in job.tasks.filter(status=TaskStatus.RENDERING):
            deliver(task)
            check(task)


# A node at work -------------------------------------------------------------------------------------------------------


def feed(now: datetime = NOW) -> int:
    """Lease until nothing more can be."""
    total = 0
    while leased := queue.feed_once(now):
        total += leased
    return total


def lease_of(task: Task) -> Lease:
    return Lease.objects.get(work__kind="render", work__reference=task.pk)


def report(lease: Lease, kind: type, *, now: datetime = NOW, **fields):
    """The node of a lease says something of its attempt; returns the server's answer."""
    message = kind(work_id=lease.work_id, attempt=lease.attempt, **fields)
    return queue.record([queue.Incoming(lease.worker_id, message)], now)[0]


def picture(seed: int, width: int = 32, height: int = 18) -> np.ndarray:
    """Pixels that no other seed has."""
    return np.random.default_rng(seed % 2**32).integers(0, 256, (height, width, 3), dtype=np.uint8)


def png_bytes(pixels: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def result_of(pixels: np.ndarray, seconds: float = 2.0, **claims) -> protocol.RenderResult:
    """What an honest node says of these pixels; `claims` make it a liar."""
    content = png_bytes(pixels)
    honest = {
        "file_sha256": hashlib.sha256(content).hexdigest(),
        "pixels_sha256": pixels_sha256(pixels),
        "size_bytes": len(content),
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "render_seconds": seconds,
    }
    return protocol.RenderResult(**(honest | claims))


def deliver(
    task: Task, pixels: np.ndarray | None = None, *, seconds: float = 2.0, wall_seconds: float = 3.0, now=NOW, **claims
):
    """The node that holds the task renders it, sends the file and reports; the task is being checked then."""
    lease = lease_of(task)
    pixels = picture(task.frame) if pixels is None else pixels
    result = result_of(pixels, seconds, **claims)
    report(lease, protocol.Started, now=now)
    report(lease, protocol.Rendered, result=result, now=now + timedelta(seconds=wall_seconds))
    store_frame(task, lease.attempt, png_bytes(pixels))
    return report(lease, protocol.Done, result=result, now=now + timedelta(seconds=wall_seconds + 1))


def store_frame(task: Task, attempt: int, content: bytes) -> None:
    key = f"frames/{task.job_id}/{task.pk}-{attempt}.png"
    default_storage.delete(key)
    default_storage.save(key, ContentFile(content))


def check(task: Task) -> bool:
    return frames.check_frame(task.pk)


def accepted_task(job: Job, frame: int = 1) -> Task:
    """The job's frame, rendered and accepted."""
    task = job.tasks.get(frame=frame)
    feed()
    deliver(task)
    check(task)
    task.refresh_from_db()
    return task
