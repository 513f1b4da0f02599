"""From a file in the store to a verdict in the database; safe to run twice."""

from datetime import datetime
from random import SystemRandom

import structlog
from django.core.files.storage import default_storage

from workers import benchmark_runs, benchmark_scores, gpu_trials
from workers.benchmark_verdicts import Run, Verdict, judge
from workers.canary_check import NotChecked, is_own
from workers.models import BenchmarkRun
from workers.refusals import Refusal
from workers.states import BenchmarkStatus

log = structlog.get_logger(__name__)


def judge_run(run_id: int, *, now: datetime) -> None:
    """The file is read and looked at outside of any transaction, and gone afterwards."""
    run = BenchmarkRun.objects.get(pk=run_id)
    if run.status != BenchmarkStatus.CHECKING:
        return
    try:
        benchmark_scores.settle_run(run_id, _verdict(run), now=now, rng=SystemRandom())
    except Exception as error:  # whatever a stranger's file does to us, it is looked at once and keeps nobody else's run
        log.exception("benchmark_not_checked", run_id=run_id, expected=isinstance(error, NotChecked))
        benchmark_scores.leave_unjudged(run_id, now=now)
    default_storage.delete(run.storage_key)


def _verdict(run: BenchmarkRun) -> Verdict:
    """Raises NotChecked."""
    if not default_storage.exists(run.storage_key):
        return Verdict(Refusal.MALFORMED)
    if _was_sent_before(run):
        return Verdict(Refusal.COPIED)
    with default_storage.open(run.storage_key) as file:
        content = file.read()
    rng = SystemRandom()
    return judge(_known(run), content, rng, lambda picture: is_own(picture, seed=run.canary_seed, samples=run.samples, rng=rng))


def _known(run: BenchmarkRun) -> Run:
    assert run.leased_at
    assert run.committed_at
    assert run.rendered_at
    return Run(
        challenge=benchmark_runs.challenge_of(run),
        root=bytes(run.root),
        shown=run.shown,
        leased_at=run.leased_at,
        committed_at=run.committed_at,
        rendered_at=run.rendered_at,
        claimed_seconds=run.claimed_seconds,
        pixels_sha256=run.pixels_sha256,
        gpus=gpu_trials.known(run),
    )


def _was_sent_before(run: BenchmarkRun) -> bool:
    """Every frame has a seed of its own, so no two are alike."""
    return BenchmarkRun.objects.filter(status=BenchmarkStatus.PASSED, pixels_sha256=run.pixels_sha256).exists()
