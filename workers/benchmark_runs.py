"""What nodes report of benchmarks, inside the transaction that changes the queue (workers.benchmark_work).

Locks: the run, after the work and lease rows that the queue has locked.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime
from random import SystemRandom

from django.db import transaction

from common.transitions import move
from pictor_agent import protocol, reference
from pictor_agent.challenge import Challenge, opening_bytes
from workers import canary, challenge_check, events, gpu_trials
from workers.benchmark_hints import hint_on_commit
from workers.counting import renders_on_gpu
from workers.kinds import FailedReport, FinishedReport, NewLease, RenderedReport, ReturnedReport
from workers.models import BenchmarkRun, Lease, Worker
from workers.states import BENCHMARK_MOVES, BenchmarkStatus

S = BenchmarkStatus
CANARY_BYTES_MAX = 8 << 20
ATTEMPTS_MAX = 3


def lease_runs(leases: Iterable[NewLease], now: datetime) -> dict[int, BenchmarkRun]:
    """Begin the runs that wait, each with seeds of its own; by work id. A node that has other work ends that first: its clock runs
    from here, and what computes beside it would count against it. One whose agent cannot answer has none begun: the work may have
    been queued before the server was updated.
    """
    by_reference = {lease.reference: lease for lease in leases}
    at_work = set(Lease.objects.filter(worker__in=[lease.worker_id for lease in leases]).values_list("worker_id", flat=True))
    begun = {}
    for run in locked(by_reference, S.WAITING):
        lease = by_reference[run.pk]
        too_old = run.worker.protocol < protocol.BENCHMARK_SINCE
        if lease.worker_id != run.worker_id or lease.attempt > ATTEMPTS_MAX or run.worker_id in at_work or too_old:
            continue
        move(run, S.RUNNING, moves=BENCHMARK_MOVES, attempt=lease.attempt, leased_at=now, **_fresh(run.worker))
        gpu_trials.begin(run, run.worker)
        begun[lease.work_id] = run
    return begun


def _fresh(worker: Worker) -> dict:
    """What an attempt begins with: nothing of an earlier one helps."""
    return {
        "seed": secrets.token_bytes(32),
        "side": reference.SIDE,
        "blocks": reference.BLOCKS,
        "samples": reference.SAMPLES["gpu" if renders_on_gpu(worker) else "cpu"],
        "model": model_of(worker),
        "root": b"",
        "shown": [],
        "committed_at": None,
        "rendered_at": None,
    }


def model_of(worker: Worker) -> str:
    """What it compares with: "2 × NVIDIA RTX A4000", or its processor with the number of its cores."""
    models = [gpu.model for gpu in worker.gpus.all()] if renders_on_gpu(worker) else []
    if not models:
        return f"{worker.cpu_model}, {worker.cpu_cores} cores"[:200]
    return (f"{len(models)} × {models[0]}" if len(models) > 1 else models[0])[:200]


def challenge_of(run: BenchmarkRun) -> Challenge:
    return Challenge(bytes(run.seed), run.side, run.blocks)


def spec_of(run: BenchmarkRun, now: datetime) -> protocol.BenchmarkSpec:
    return protocol.BenchmarkSpec(
        seed=bytes(run.seed),
        side=run.side,
        blocks=run.blocks,
        disk_bytes=reference.DISK_BYTES,
        canary=canary.order(run.samples, now),
        gpus=gpu_trials.orders(run),
    )


@transaction.atomic
def commit_run(run_id: int, worker_id: int, said: protocol.Committed, now: datetime) -> protocol.Show | None:
    """Keep what the node commits to, once, and only then draw what it must show. None for any other attempt or root, and for the
    rest before its GPUs have answered.
    """
    run = BenchmarkRun.objects.select_for_update().filter(pk=run_id, worker=worker_id, attempt=said.attempt).first()
    if run is None or run.status != S.RUNNING:
        return None
    trial = gpu_trials.of(run)
    if said.part:
        return gpu_trials.committed(trial, said, now) if trial else None
    if trial and trial.shown_at is None:
        return None
    if run.committed_at is None:
        run.root, run.committed_at = said.root, now
        run.shown = challenge_check.draw(challenge_of(run), SystemRandom())
        run.canary_seed = secrets.randbelow(2**31)
        run.save(update_fields=["root", "committed_at", "shown", "canary_seed"])
    if bytes(run.root) != said.root:
        return None
    return protocol.Show(work_id=said.work_id, attempt=said.attempt, blocks=run.shown, seed=run.canary_seed)


def render_runs(reports: Iterable[RenderedReport], now: datetime) -> dict[int, str]:
    """Where the files of those go that have committed before, and are of the right size."""
    keys = {}
    by_reference = {report.reference: report for report in reports}
    for run in locked(by_reference, S.RUNNING):
        report = by_reference[run.pk]
        if run.attempt != report.attempt or run.committed_at is None or not _fits(run, report.result):
            continue
        if run.rendered_at is None:
            changes = {
                "rendered_at": now,
                "claimed_seconds": report.result.render_seconds,
                "pixels_sha256": report.result.pixels_sha256,
            }
            BenchmarkRun.objects.filter(pk=run.pk).update(**changes)
        keys[report.work_id] = run.storage_key
    return keys


def _fits(run: BenchmarkRun, result: protocol.RenderResult) -> bool:
    trial = gpu_trials.of(run)
    most = opening_bytes(challenge_of(run), len(run.shown)) + CANARY_BYTES_MAX + (gpu_trials.shown_bytes(trial) if trial else 0)
    return (result.width, result.height) == (reference.WIDTH, reference.HEIGHT) and result.size_bytes <= most


def finish_runs(reports: Iterable[FinishedReport], now: datetime) -> None:
    by_reference = {report.reference: report for report in reports}
    for run in locked(by_reference, S.RUNNING):
        if run.attempt == by_reference[run.pk].attempt:
            move(run, S.CHECKING, moves=BENCHMARK_MOVES)
            hint_on_commit(run.pk)
            events.announce_status(run.worker)


def fail_runs(reports: Iterable[FailedReport], now: datetime) -> None:
    by_reference = {report.reference: report for report in reports}
    for run in locked(by_reference, S.RUNNING):
        if run.attempt == by_reference[run.pk].attempt:
            move(run, S.FAILED, moves=BENCHMARK_MOVES, reason=by_reference[run.pk].reason[:40], finished_at=now)
            events.announce_status(run.worker)


def return_runs(reports: Iterable[ReturnedReport]) -> None:
    by_reference = {report.reference: report for report in reports}
    for run in locked(by_reference, S.RUNNING):
        if run.attempt == by_reference[run.pk].attempt:
            move(run, S.WAITING, moves=BENCHMARK_MOVES)


def locked(ids: Iterable[int], *statuses: BenchmarkStatus) -> list[BenchmarkRun]:
    """The runs of these that have such a status."""
    runs = BenchmarkRun.objects.select_for_update(of=("self",)).select_related("worker")
    return list(runs.filter(pk__in=list(ids), status__in=statuses).order_by("pk"))
