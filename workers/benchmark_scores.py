"""What follows from a benchmark for its node's score, and for whether its GPUs count. Only this module writes them.

Locks: the node, then the run.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Least

from common.transitions import move
from pictor_agent import reference
from workers import controls, events, gpu_trials, scoring
from workers.benchmark_models import OPEN
from workers.benchmark_verdicts import Verdict
from workers.models import BenchmarkRun, Worker
from workers.refusals import WORDS, Refusal
from workers.states import BENCHMARK_MOVES, BenchmarkStatus

S = BenchmarkStatus
DOUBTED_AFTER = 5  # runs in a row that a node began and did not end
OTHER_HARDWARE = "other_hardware"
# Reasons that say nothing of the node: nobody began it, we could not look, or it was asked of other hardware.
OURS = ("given_up", "not_checked", OTHER_HARDWARE)
LOOKED_BACK = timedelta(days=2)  # for runs that did not end
DOUBTED = f"{DOUBTED_AFTER} benchmarks in a row did not end: until one passes it counts 1.0 at most, and no GPU of it counts"


@transaction.atomic
def settle_run(run_id: int, verdict: Verdict, *, now: datetime, rng) -> bool:
    """Write what was found, once; the node's score follows where the run is believed. False when somebody else did."""
    worker_id = BenchmarkRun.objects.values_list("worker", flat=True).get(pk=run_id)
    worker = _locked(worker_id)
    run = BenchmarkRun.objects.select_for_update().get(pk=run_id)
    if run.status != S.CHECKING:
        return False
    if verdict.refusal:
        _refuse(worker, run, verdict.refusal, now)
    elif worker.hardware_at and run.created_at < worker.hardware_at:
        move(run, S.FAILED, moves=BENCHMARK_MOVES, reason=OTHER_HARDWARE, finished_at=now)
    else:
        _pass(worker, run, verdict, now, rng)
    return True


def _locked(worker_id: int) -> Worker:
    return Worker.objects.select_for_update(no_key=True).get(pk=worker_id)


def _refuse(worker: Worker, run: BenchmarkRun, refusal: Refusal, now: datetime) -> None:
    move(run, S.REFUSED, moves=BENCHMARK_MOVES, reason=refusal, finished_at=now)
    _lower(worker)
    events.record(worker, "benchmark-refused", now=now, detail=WORDS[refusal])


def _pass(worker: Worker, run: BenchmarkRun, verdict: Verdict, now: datetime, rng) -> None:
    score = reference.score_milli(run.samples, verdict.canary_ms)
    believed = scoring.is_believed(score, list(_passed_on(worker).values_list("score_milli", flat=True)[:2]))
    facts = {name: getattr(verdict, name) for name in Verdict.FACTS}
    move(run, S.PASSED, moves=BENCHMARK_MOVES, score_milli=score, believed=believed, finished_at=now, **facts)
    gpu_trials.keep(run, verdict.gpu_bytes_per_second)
    Worker.objects.filter(pk=worker.pk).update(
        benchmark_due_at=now + scoring.next_after(rng, believed=believed),
        gpus_believed=True,
        **({"score_milli": score} if believed else {}),
    )
    controls.keep_slots(worker)
    events.record(worker, "benchmark", now=now, detail=_detail(score, worker.score_milli, believed))


def _lower(worker: Worker) -> None:
    """What is doubted counts no more than what was never measured, and its GPUs for nothing."""
    score = Least("score_milli", scoring.UNMEASURED_MILLI)
    Worker.objects.filter(pk=worker.pk).update(score_milli=score, gpus_believed=False)
    controls.keep_slots(worker)


def doubt_failing(*, now: datetime, limit: int = 100) -> int:
    """Nodes that go on not ending their runs: who knows what they would be measured at? Returns how many are doubted now.

    By a sweep and not with the report: that one holds work rows, which come after the node's.
    """
    return sum(_doubt(worker_id, now) for worker_id in _failing(now)[:limit])


def _failing(now: datetime) -> QuerySet:
    """The ids of nodes that failed often enough since their last run that ended otherwise; only these take a place in a run of the
    sweep, so that nobody waits behind those that failed once.
    """
    failed = BenchmarkRun.objects.filter(status=S.FAILED).exclude(reason__in=OURS)
    of_late = failed.filter(created_at__gt=now - LOOKED_BACK)
    trusted = Q(worker__score_milli__gt=scoring.UNMEASURED_MILLI) | Q(worker__gpus_believed=True)
    on_this_hardware = Q(worker__hardware_at=None) | Q(created_at__gte=F("worker__hardware_at"))
    better = BenchmarkRun.objects.filter(worker=OuterRef("worker"), created_at__gt=OuterRef("created_at"))
    rows = failed.filter(trusted, on_this_hardware, ~Exists(better.filter(status__in=[S.PASSED, S.REFUSED])))
    rows = rows.filter(worker__in=of_late.values("worker")).values("worker").annotate(times=Count("pk"))
    return rows.filter(times__gte=DOUBTED_AFTER).order_by("worker").values_list("worker", flat=True)


@transaction.atomic
def _doubt(worker_id: int, now: datetime) -> bool:
    worker = _locked(worker_id)
    ended = _on_this_hardware(worker).exclude(status__in=OPEN).exclude(reason__in=OURS)
    last = list(ended.values_list("status", flat=True)[:DOUBTED_AFTER])
    doubted = last == [S.FAILED] * DOUBTED_AFTER
    if doubted:
        _lower(worker)
        events.record(worker, "benchmark-doubted", now=now, detail=DOUBTED)
    return doubted


@transaction.atomic
def leave_unjudged(run_id: int, *, now: datetime) -> None:
    """This machine could not look at it: it says nothing of the node, which is measured again another time."""
    run = BenchmarkRun.objects.select_for_update().get(pk=run_id)
    if run.status == S.CHECKING:
        move(run, S.FAILED, moves=BENCHMARK_MOVES, reason="not_checked", finished_at=now)


def _on_this_hardware(worker: Worker) -> QuerySet[BenchmarkRun]:
    """The newest first."""
    since = {"created_at__gte": worker.hardware_at} if worker.hardware_at else {}
    return worker.benchmark_runs.filter(**since).order_by("-created_at")


def _passed_on(worker: Worker) -> QuerySet[BenchmarkRun]:
    return _on_this_hardware(worker).filter(status=S.PASSED)


def _detail(score: int, before: int, believed: bool) -> str:
    if believed:
        return f"{score / 1000:.2f} × the reference"
    return f"{score / 1000:.2f} × the reference, unlike {before / 1000:.2f} before: measured again before it counts"
