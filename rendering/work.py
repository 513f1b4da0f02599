"""Rendering's side of the one queue of work (workers.kinds.WorkKind): messages in, services called, specs out."""

from collections.abc import Iterable
from datetime import datetime

from common.file_urls import sign_file_url
from common.paging import Place
from pictor_agent.protocol import FileRef, Region, RenderSpec, Spec
from rendering import events, made, services
from rendering.models import Attempt, Job, SceneFile, Task
from rendering.pricing import FRAME_SECONDS_MAX
from workers.kinds import FailedReport, FinishedReport, Made, NewLease, RenderedReport, ReturnedReport, StartedReport, WorkKind


class RenderWork(WorkKind):
    """Frames of jobs. Every method runs inside the transaction that changes the queue."""

    def lease(self, leases: list[NewLease], now: datetime) -> tuple[dict[int, Spec], list[int]]:
        """The specs of the tasks that are covered, and the work that is refused: its job pauses, or has ended."""
        begun = services.lease_tasks(leases, now)
        files = files_by_scene({attempt.task.job.scene_id for attempt in begun.values()}, now)
        specs: dict[int, Spec] = {
            work_id: render_spec(attempt, files[attempt.task.job.scene_id]) for work_id, attempt in begun.items()
        }
        return specs, [lease.work_id for lease in leases if lease.work_id not in specs]

    def started(self, reports: list[StartedReport], now: datetime) -> None:
        services.start_tasks(reports, now)

    def rendered(self, reports: list[RenderedReport], now: datetime) -> dict[int, str]:
        return services.render_tasks(reports, now)

    def finished(self, reports: list[FinishedReport], now: datetime) -> None:
        services.finish_tasks(reports, now)

    def failed(self, reports: list[FailedReport], now: datetime) -> set[int]:
        return services.fail_tasks(reports, now)

    def returned(self, reports: list[ReturnedReport], now: datetime) -> None:
        services.return_tasks(reports, now)

    def progressed(self, group: int, references: list[int]) -> None:
        events.progressed(group)

    def logged(self, group: int, references: list[int]) -> None:
        events.logged(group)

    def file_urls(self, reference: int, now: datetime) -> dict[str, str]:
        scene_id = Job.objects.filter(tasks=reference).values_list("scene", flat=True).first()
        return {file.sha256: file.url for file in files_by_scene({scene_id}, now).get(scene_id, [])}

    def titles(self, references: list[int]) -> dict[int, str]:
        tasks = Task.objects.filter(pk__in=references).select_related("job").only("frame", "tile", "job__name")
        return {task.pk: f"{task.job.name}, {task.words}" for task in tasks}

    def made_by(self, worker_id: int, older: Place | None, limit: int, viewer) -> list[Made]:
        return made.frames_of(worker_id, older, limit, viewer)


def render_spec(attempt: Attempt, files: list[FileRef]) -> RenderSpec:
    """Everything a node needs to render this attempt's frame."""
    job, ordered = attempt.task.job, attempt.task.ordered_picture
    return RenderSpec(
        engine=job.engine,
        blender_version=job.blender_version,
        scene_key=job.scene.scene_key,
        main_path=job.scene.main_path,
        files=files,
        frame=attempt.task.frame,
        seed=attempt.seed,
        width=job.width,
        height=job.height,
        samples=job.samples,
        format=ordered.format,
        depth_bits=ordered.depth_bits,
        quality_percent=job.quality_percent,
        device=job.device,
        denoise=job.denoise,
        camera=job.camera,
        region=Region(**ordered.region._asdict()) if ordered.region else None,
        seconds_max=FRAME_SECONDS_MAX,
    )


def files_by_scene(scene_ids: Iterable[int], now: datetime) -> dict[int, list[FileRef]]:
    """The files of each scene with URLs that are fresh at `now`."""
    files: dict[int, list[FileRef]] = {scene_id: [] for scene_id in scene_ids}
    for file in SceneFile.objects.filter(scene__in=files).select_related("asset"):
        files[file.scene_id].append(_file_ref(file, now))
    return files


def _file_ref(file: SceneFile, now: datetime) -> FileRef:
    asset = file.asset
    url = sign_file_url(method="GET", storage_key=asset.storage_key, sha256=asset.sha256, size_bytes=asset.size_bytes, now=now)
    return FileRef(path=file.path, sha256=asset.sha256, size_bytes=asset.size_bytes, url=url)
