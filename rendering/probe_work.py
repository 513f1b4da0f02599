"""Probe frames in the one queue of work (workers.kinds.WorkKind)."""

from datetime import datetime

from common.paging import Place
from pictor_agent.protocol import FileRef, RenderSpec, Spec
from rendering import made, probing
from rendering.choices import ImageFormat
from rendering.models import Job, ProbeFrame
from rendering.seeds import frame_seed
from rendering.services import probes
from rendering.work import files_by_scene
from workers.kinds import FailedReport, FinishedReport, Made, NewLease, RenderedReport, ReturnedReport, StartedReport, WorkKind


class ProbeWork(WorkKind):
    """Every method runs inside the transaction that changes the queue."""

    def lease(self, leases: list[NewLease], now: datetime) -> tuple[dict[int, Spec], list[int]]:
        begun = probes.lease_probes(leases, now)
        files = files_by_scene({probe.job.scene_id for probe in begun.values()}, now)
        specs: dict[int, Spec] = {work_id: probe_spec(probe, files[probe.job.scene_id]) for work_id, probe in begun.items()}
        return specs, [lease.work_id for lease in leases if lease.work_id not in specs]

    def started(self, reports: list[StartedReport], now: datetime) -> None:
        probes.start_probes(reports, now)

    def rendered(self, reports: list[RenderedReport], now: datetime) -> dict[int, str]:
        return probes.render_probes(reports, now)

    def finished(self, reports: list[FinishedReport], now: datetime) -> None:
        probes.finish_probes(reports, now)

    def failed(self, reports: list[FailedReport], now: datetime) -> set[int]:
        return probes.fail_probes(reports, now)

    def returned(self, reports: list[ReturnedReport], now: datetime) -> None:
        probes.return_probes(reports, now)

    def progressed(self, group: int, references: list[int]) -> None:
        """A probe is over in moments: its page counts frames."""

    def logged(self, group: int, references: list[int]) -> None:
        """Nobody follows the log of a probe."""

    def file_urls(self, reference: int, now: datetime) -> dict[str, str]:
        scene_id = Job.objects.filter(probe_frames=reference).values_list("scene", flat=True).first()
        return {file.sha256: file.url for file in files_by_scene({scene_id}, now).get(scene_id, [])}

    def titles(self, references: list[int]) -> dict[int, str]:
        found = ProbeFrame.objects.filter(pk__in=references).values_list("pk", "job__name", "frame")
        return {pk: f"{name}, probe of frame {frame}" for pk, name, frame in found}

    def made_by(self, worker_id: int, older: Place | None, limit: int, viewer) -> list[Made]:
        return made.probes_of(worker_id, older, limit)


def probe_spec(probe: ProbeFrame, files: list[FileRef]) -> RenderSpec:
    """Everything a node needs to render this probe."""
    job = probe.job
    return RenderSpec(
        engine=job.engine,
        blender_version=job.blender_version,
        scene_key=job.scene.scene_key,
        main_path=job.scene.main_path,
        files=files,
        frame=probe.frame,
        seed=frame_seed(job.secret, probe.frame),
        width=probe.width,
        height=probe.height,
        samples=probe.samples,
        format=ImageFormat.PNG,
        device=job.device,
        denoise=job.denoise,
        camera=job.camera,
        seconds_max=probing.SECONDS_MAX,
    )
