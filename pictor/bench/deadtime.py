"""`make bench WHAT=deadtime`: between the end of a frame and the start of the next on a busy node, a real one with Blender.

By the server's clock, from the node's word that a frame is rendered to its word that the next has begun: both arrive
through the same socket and are written in batches of 10 ms.
"""

import os
from itertools import pairwise

from pictor.bench.farm import farm, ready_job, render
from pictor.bench.report import Figure, Report
from rendering.models import Attempt, Job

QUICK = bool(os.environ.get("BENCH_QUICK"))
FRAMES, ROUNDS = (5, 1) if QUICK else (40, 5)


def gaps_ms(job: Job) -> list[float]:
    """Milliseconds between one frame and the next."""
    rows = Attempt.objects.accepted().filter(task__job=job).order_by("rendered_at", "leased_at")
    moments = list(rows.values_list("started_at", "rendered_at"))
    return [max(0.0, (after[0] - before[1]).total_seconds() * 1000) for before, after in pairwise(moments)]


def measure(seed: int) -> Report:
    middles, slowest = [], []
    with farm() as stack:
        render(stack, ready_job(stack, "1-2", samples=1))
        for _ in range(ROUNDS):
            job = ready_job(stack, f"1-{FRAMES}", samples=1)
            render(stack, job)
            gaps = sorted(gaps_ms(job))
            middles.append(gaps[len(gaps) // 2])
            slowest.append(gaps[int(len(gaps) * 0.99)])
    figures = [Figure("p50", "ms", middles, reference=2_000), Figure("p99", "ms", slowest, reference=5_000)]
    return Report("deadtime", seed, figures)
