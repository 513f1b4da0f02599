"""Benchmarks in the one queue of work (workers.kinds.WorkKind)."""

from datetime import datetime
from typing import ClassVar

from pictor_agent import protocol
from workers import benchmark_runs, canary
from workers.kinds import FailedReport, FinishedReport, NewLease, RenderedReport, ReturnedReport, StartedReport, WorkKind


class BenchmarkWork(WorkKind):
    """Every method runs inside the transaction that changes the queue, but for `committed`, which has its own."""

    alone: ClassVar[bool] = True  # what computes beside it would count against its node

    def lease(self, leases: list[NewLease], now: datetime) -> tuple[dict[int, protocol.Spec], list[int]]:
        begun = benchmark_runs.lease_runs(leases, now)
        specs: dict[int, protocol.Spec] = {work_id: benchmark_runs.spec_of(run, now) for work_id, run in begun.items()}
        return specs, [lease.work_id for lease in leases if lease.work_id not in specs]

    def started(self, reports: list[StartedReport], now: datetime) -> None:
        """Its time runs from the lease, when its seed left the server."""

    def committed(self, reference: int, worker_id: int, message: protocol.Committed, now: datetime) -> protocol.Show | None:
        return benchmark_runs.commit_run(reference, worker_id, message, now)

    def rendered(self, reports: list[RenderedReport], now: datetime) -> dict[int, str]:
        return benchmark_runs.render_runs(reports, now)

    def finished(self, reports: list[FinishedReport], now: datetime) -> None:
        benchmark_runs.finish_runs(reports, now)

    def failed(self, reports: list[FailedReport], now: datetime) -> set[int]:
        benchmark_runs.fail_runs(reports, now)
        return set()

    def returned(self, reports: list[ReturnedReport], now: datetime) -> None:
        benchmark_runs.return_runs(reports)

    def progressed(self, group: int, references: list[int]) -> None:
        """The node's page follows its work by itself."""

    def logged(self, group: int, references: list[int]) -> None:
        """Nobody follows the log of a benchmark."""

    def file_urls(self, reference: int, now: datetime) -> dict[str, str]:
        scene = canary.file_ref(now)
        return {scene.sha256: scene.url}

    def titles(self, references: list[int]) -> dict[int, str]:
        return dict.fromkeys(references, "Benchmark")
