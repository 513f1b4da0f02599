"""Work that nothing stands behind: what the queue, its leases and its sockets cost by themselves."""

from datetime import datetime

from pictor.work_kinds import WORK_KINDS as PRODUCTS
from pictor_agent.protocol import RenderSpec
from workers.kinds import WorkKind

WORK_KINDS = PRODUCTS | {"noop": "pictor.bench.noop.Noop"}


def spec(frame: int) -> RenderSpec:
    return RenderSpec(
        engine="cycles",
        blender_version="5.0.1",
        scene_key="0" * 64,
        main_path="noop.blend",
        files=[],
        frame=frame,
        seed=0,
        width=32,
        height=18,
        samples=1,
        format="PNG",
    )


class Noop(WorkKind):
    """Every method does what it must and no more."""

    def lease(self, leases, now: datetime):
        return {lease.work_id: spec(lease.reference) for lease in leases}, []

    def started(self, reports, now: datetime) -> None: ...

    def rendered(self, reports, now: datetime) -> dict[int, str]:
        return {report.work_id: f"noop/{report.work_id}" for report in reports}

    def finished(self, reports, now: datetime) -> None: ...

    def failed(self, reports, now: datetime) -> set[int]:
        return set()

    def returned(self, reports, now: datetime) -> None: ...

    def progressed(self, group: int, references: list[int]) -> None: ...

    def file_urls(self, reference: int, now: datetime) -> dict[str, str]:
        return {}

    def titles(self, references: list[int]) -> dict[int, str]:
        return {reference: f"No-op {reference}" for reference in references}
