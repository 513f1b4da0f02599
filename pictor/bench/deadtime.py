"""`make bench WHAT=deadtime`: how long the renderer of a busy node stands still between two frames, a real one with Blender.

From one frame's commitment to the next one's, by the server's clock, less the seconds that the renderer worked in
between, by the node. Reading pixels, hashing and the report run beside the next frame, so they are in it only where they
hold it up; what one commitment is later than another after its frame is in single figures, to either side of zero.
"""

import os
from itertools import pairwise

from pictor.bench.farm import farm, ready_job, render
from pictor.bench.report import Figure, Report
from rendering.models import Attempt, Job

QUICK = bool(os.environ.get("BENCH_QUICK"))
FRAMES, ROUNDS = (5, 1) if QUICK else (40, 5)


def gaps_ms(job: Job) -> list[float]:
    """Milliseconds of each frame but the first in which nothing was rendered."""
    rows = Attempt.objects.accepted().filter(task__job=job).order_by("rendered_at", "leased_at")
    moments = list(rows.values_list("rendered_at", "render_seconds"))
    return [((after[0] - before[0]).total_seconds() - after[1]) * 1000 for before, after in pairwise(moments)]


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
