"""Benchmarks: asked for when a node is idle, run as work of the queue, judged here. Only this module writes a node's score.

Locks: work rows, then lease rows, then the node, then the run.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from random import SystemRandom

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from common.transitions import move
from pictor_agent import protocol, reference
from pictor_agent.challenge import Challenge, opening_bytes
from workers import canary, challenge_check, events, queue, scoring
from workers.benchmark_hints import hint_on_commit
from workers.benchmark_verdicts import WORDS, Verdict
from workers.kinds import FailedReport, FinishedReport, NewLease, NewWork, RenderedReport, ReturnedReport
from workers.models import BenchmarkRun, Cached, Lease, Work, Worker
from workers.sharing import ECONOMY
from workers.states import BENCHMARK_MOVES, BenchmarkStatus, WorkerStatus

KIND = "benchmark"
S = BenchmarkStatus
CANARY_BYTES_MAX = 8 << 20
QUIET = timedelta(minutes=10)  # online and without work for so long: a node that has just come, or is in demand, is left alone
WAITS = timedelta(minutes=10)  # one that was not begun by then is given up
LASTS = timedelta(hours=2)
ATTEMPTS_MAX = 3
OWNER_AGAIN = timedelta(hours=1)  # so often may its owner ask
OPEN = (S.WAITING, S.RUNNING, S.CHECKING)


class NotNow(Exception):
    """Why this node cannot be measured now; str() is for its owner."""


# Asked for ------------------------------------------------------------------------------------------------------------


def ask_for_benchmark(worker: Worker, *, now: datetime, by_owner: bool = False) -> BenchmarkRun:
    """Put one into the queue.

    Raises:
        NotNow: with the reason.
    """
    canary.put_into_store()
    return _ask(worker.pk, now=now, by_owner=by_owner)


@transaction.atomic
def _ask(worker_id: int, *, now: datetime, by_owner: bool) -> BenchmarkRun:
    worker = Worker.objects.select_for_update(no_key=True).get(pk=worker_id)
    if obstacle := obstacle_of(worker) or (by_owner and _too_soon(worker, now)):
        raise NotNow(obstacle)
    run = BenchmarkRun.objects.create(worker=worker, created_at=now)
    Worker.objects.filter(pk=worker.pk).update(benchmark_due_at=now + scoring.RETRY_AFTER)
    needs = {"node_only": worker.pk, "protocol_min": protocol.BENCHMARK_SINCE, "blender_version": reference.CANARY_VERSION}
    work = NewWork(reference=run.pk, group=worker.pk, owner_id=worker.owner_id, requirements=needs, priority=-1, tier=ECONOMY)
    queue.enqueue(KIND, [work])
    events.announce_status(worker)
    return run


def obstacle_of(worker: Worker) -> str:
    """Why this node cannot be measured now; empty when it can."""
    if not worker.takes_work or worker.connected_at is None:
        return "It is measured while it is online and takes work."
    if worker.protocol < protocol.BENCHMARK_SINCE:
        return "Its agent is too old to be measured; update it."
    if reference.CANARY_VERSION not in worker.blender_versions:
        return f"It is measured with Blender {reference.CANARY_VERSION}, which it does not offer."
    if worker.benchmark_runs.filter(status__in=OPEN).exists():
        return "It is being measured already."
    return ""


def _too_soon(worker: Worker, now: datetime) -> str:
    recent = worker.benchmark_runs.filter(created_at__gt=now - OWNER_AGAIN).exists()
    return "It was measured within the last hour; that is often enough." if recent else ""


def queue_due(*, now: datetime, limit: int = 20) -> int:
    """Ask nodes that have nothing else to do, and while nobody's work waits; returns how many."""
    if Work.objects.filter(leased=False, held=False).exclude(kind=KIND).exists():
        return 0
    asked = 0
    for worker in due(now)[:limit]:
        try:
            ask_for_benchmark(worker, now=now)
            asked += 1
        except NotNow:
            pass
    return asked


def due(now: datetime) -> QuerySet[Worker]:
    """Idle nodes that were never measured, are another machine since, or whose time has come."""
    newest = BenchmarkRun.objects.filter(worker=OuterRef("pk")).order_by("-created_at")
    worked = Cached.objects.filter(worker=OuterRef("pk"), used_at__gt=now - QUIET)
    changed = Q(asked_at__lt=F("hardware_at"))
    return (
        Worker.objects.filter(status=WorkerStatus.ONLINE, closed_by="", resting="")
        .annotate(asked_at=Subquery(newest.values("created_at")[:1]))
        .filter(Q(benchmark_due_at=None) | Q(benchmark_due_at__lte=now) | changed)
        .filter(connected_at__lt=now - QUIET, protocol__gte=protocol.BENCHMARK_SINCE)
        .filter(blender_versions__contains=[reference.CANARY_VERSION])
        .exclude(Exists(Lease.objects.filter(worker=OuterRef("pk"))))
        .exclude(Exists(worked))
        .order_by("pk")
    )


# Reports of nodes, inside the transaction that changes the queue -------------------------------------------------------


def lease_runs(leases: Iterable[NewLease], now: datetime) -> dict[int, BenchmarkRun]:
    """Begin the runs that wait, each with seeds of its own; by work id."""
    by_reference = {lease.reference: lease for lease in leases}
    begun = {}
    for run in _locked(by_reference, S.WAITING):
        lease = by_reference[run.pk]
        if lease.worker_id != run.worker_id or lease.attempt > ATTEMPTS_MAX:
            continue
        move(run, S.RUNNING, moves=BENCHMARK_MOVES, attempt=lease.attempt, leased_at=now, **_fresh(run.worker))
        begun[lease.work_id] = run
    return begun


def _fresh(worker: Worker) -> dict:
    """What an attempt begins with: nothing of an earlier one helps."""
    return {
        "seed": secrets.token_bytes(32),
        "side": reference.SIDE,
        "blocks": reference.BLOCKS,
        "samples": reference.SAMPLES["gpu" if has_gpu(worker) else "cpu"],
        "model": model_of(worker),
        "root": b"",
        "shown": [],
        "committed_at": None,
        "rendered_at": None,
    }


def has_gpu(worker: Worker) -> bool:
    """One that Blender renders on."""
    return worker.device not in ("", "CPU")


def model_of(worker: Worker) -> str:
    """What it compares with: "2 × NVIDIA RTX A4000", or its processor with the number of its cores."""
    models = [gpu.model for gpu in worker.gpus.all()] if has_gpu(worker) else []
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
    )


@transaction.atomic
def commit_run(run_id: int, worker_id: int, said: protocol.Committed, now: datetime) -> protocol.Show | None:
    """Keep what the node commits to, once, and only then draw what it must show. None for any other attempt or root."""
    run = BenchmarkRun.objects.select_for_update().filter(pk=run_id, worker=worker_id, attempt=said.attempt).first()
    if run is None or run.status != S.RUNNING:
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
    for run in _locked(by_reference, S.RUNNING):
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
    most = opening_bytes(challenge_of(run), len(run.shown)) + CANARY_BYTES_MAX
    return (result.width, result.height) == (reference.WIDTH, reference.HEIGHT) and result.size_bytes <= most


def finish_runs(reports: Iterable[FinishedReport], now: datetime) -> None:
    by_reference = {report.reference: report for report in reports}
    for run in _locked(by_reference, S.RUNNING):
        if run.attempt == by_reference[run.pk].attempt:
            move(run, S.CHECKING, moves=BENCHMARK_MOVES)
            hint_on_commit(run.pk)
            events.announce_status(run.worker)


def fail_runs(reports: Iterable[FailedReport], now: datetime) -> None:
    by_reference = {report.reference: report for report in reports}
    for run in _locked(by_reference, S.RUNNING):
        if run.attempt == by_reference[run.pk].attempt:
            move(run, S.FAILED, moves=BENCHMARK_MOVES, reason=by_reference[run.pk].reason[:40], finished_at=now)
            events.announce_status(run.worker)


def return_runs(reports: Iterable[ReturnedReport]) -> None:
    by_reference = {report.reference: report for report in reports}
    for run in _locked(by_reference, S.RUNNING):
        if run.attempt == by_reference[run.pk].attempt:
            move(run, S.WAITING, moves=BENCHMARK_MOVES)


def _locked(ids: Iterable[int], status: BenchmarkStatus) -> list[BenchmarkRun]:
    runs = BenchmarkRun.objects.select_for_update(of=("self",)).select_related("worker")
    return list(runs.filter(pk__in=list(ids), status=status).order_by("pk"))


# Afterwards -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def settle_run(run_id: int, verdict: Verdict, *, now: datetime, rng) -> bool:
    """Write what was found, once; the node's score follows where the run is believed. False when somebody else did."""
    worker_id = BenchmarkRun.objects.values_list("worker", flat=True).get(pk=run_id)
    worker = Worker.objects.select_for_update(no_key=True).get(pk=worker_id)
    run = BenchmarkRun.objects.select_for_update().get(pk=run_id)
    if run.status != S.CHECKING:
        return False
    if verdict.refusal:
        move(run, S.REFUSED, moves=BENCHMARK_MOVES, reason=verdict.refusal, finished_at=now)
        Worker.objects.filter(pk=worker.pk).update(score_milli=min(worker.score_milli, scoring.UNMEASURED_MILLI))
        events.record(worker, "benchmark-refused", now=now, detail=WORDS[verdict.refusal])
        return True
    score = reference.score_milli(run.samples, verdict.canary_ms)
    believed = scoring.is_believed(score, _earlier(worker))
    facts = {name: getattr(verdict, name) for name in Verdict.FACTS}
    move(run, S.PASSED, moves=BENCHMARK_MOVES, score_milli=score, believed=believed, finished_at=now, **facts)
    Worker.objects.filter(pk=worker.pk).update(
        benchmark_due_at=now + scoring.next_after(rng, believed=believed), **({"score_milli": score} if believed else {})
    )
    events.record(worker, "benchmark", now=now, detail=_detail(score, worker.score_milli, believed))
    return True


@transaction.atomic
def leave_unjudged(run_id: int, *, now: datetime) -> None:
    """This machine could not look at it: it says nothing of the node, which is measured again another time."""
    run = BenchmarkRun.objects.select_for_update().get(pk=run_id)
    if run.status == S.CHECKING:
        move(run, S.FAILED, moves=BENCHMARK_MOVES, reason="not_checked", finished_at=now)


def _earlier(worker: Worker) -> list[int]:
    """Scores of the runs that passed on this hardware, the newest first."""
    passed = worker.benchmark_runs.filter(status=S.PASSED)
    if worker.hardware_at:
        passed = passed.filter(created_at__gte=worker.hardware_at)
    return list(passed.order_by("-created_at").values_list("score_milli", flat=True)[:2])


def _detail(score: int, before: int, believed: bool) -> str:
    if believed:
        return f"{score / 1000:.2f} × the reference"
    return f"{score / 1000:.2f} × the reference, unlike {before / 1000:.2f} before: measured again before it counts"


def give_up(*, now: datetime, limit: int = 1_000) -> int:
    """End runs that nobody begins or ends any more."""
    late = Q(status=S.WAITING, created_at__lt=now - WAITS) | Q(status=S.RUNNING, created_at__lt=now - LASTS)
    ids = list(BenchmarkRun.objects.filter(late).order_by("pk").values_list("pk", flat=True)[:limit])
    if ids:
        _give_up(ids, now)
    return len(ids)


@transaction.atomic
def _give_up(ids: list[int], now: datetime) -> None:
    queue.withdraw(KIND, ids)
    for run in BenchmarkRun.objects.select_for_update().filter(pk__in=ids, status__in=[S.WAITING, S.RUNNING]).order_by("pk"):
        move(run, S.FAILED, moves=BENCHMARK_MOVES, reason="given_up", finished_at=now)


def unjudged(*, limit: int = 20) -> list[int]:
    """Runs whose hint may have been lost."""
    return list(BenchmarkRun.objects.filter(status=S.CHECKING).order_by("pk").values_list("pk", flat=True)[:limit])
