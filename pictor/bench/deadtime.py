"""`make bench WHAT=deadtime`: how long the renderer of a busy node stands still between two frames, a real one with Blender.

From one frame's commitment to the next one's, by the server's clock, less the seconds that the renderer worked in
between, by the node. Reading pixels, hashing and the report run beside the next frame, so they are in it only where they
hold it up; what one commitment is later than another after its frame is in single figures, to either side of zero.

And how long it goes on after its job was cancelled in the middle of a frame.
"""

import os
import time
from itertools import pairwise

import psutil

from common import clock
from pictor.bench.farm import farm, ready_job, render
from pictor.bench.report import Figure, Report
from pictor.stack.processes import wait_until
from pictor.stack.stack import Stack
from rendering import services
from rendering.models import Attempt, Job

QUICK = bool(os.environ.get("BENCH_QUICK"))
FRAMES, ROUNDS = (5, 1) if QUICK else (40, 5)
ENDLESS_SAMPLES = 4_096
WAIT_SECONDS = 60.0
LOOK_SECONDS = 0.05  # within which a renderer at work has a fifth of a core at the very least


def gaps_ms(job: Job) -> list[float]:
    """Milliseconds of each frame but the first in which nothing was rendered."""
    rows = Attempt.objects.accepted().filter(task__job=job).order_by("rendered_at", "leased_at")
    moments = list(rows.values_list("rendered_at", "render_seconds"))
    return [((after[0] - before[0]).total_seconds() - after[1]) * 1000 for before, after in pairwise(moments)]


def cancelled_ms(stack: Stack) -> float:
    """From the creator's word until the node's renderer stands still, or is gone; as exact as LOOK_SECONDS."""
    job = ready_job(stack, "1", samples=ENDLESS_SAMPLES)
    services.submit_job(job, clock.now(), actor=job.owner)
    node = stack.pid_of("node")
    begun = Attempt.objects.filter(task__job=job, started_at__isnull=False)
    if not wait_until(lambda: begun.exists() and _is_at_work(node), WAIT_SECONDS):
        raise RuntimeError("nothing is rendered")
    began = time.monotonic()
    services.cancel_job(job, job.owner, clock.now())
    while True:
        looked = time.monotonic()
        if not _is_at_work(node):
            return (looked - began) * 1000
        if looked - began > WAIT_SECONDS:
            raise RuntimeError("the renderer does not stop")


def _is_at_work(node: int) -> bool:
    """Does one of the agent's renderers compute?"""
    before = _renderer_seconds(node)
    time.sleep(LOOK_SECONDS)
    return _renderer_seconds(node) - before > LOOK_SECONDS / 5


def _renderer_seconds(node: int) -> float:
    """Processor time of those that are there now."""
    total = 0.0
    for child in psutil.Process(node).children(recursive=True):
        try:
            total += sum(child.cpu_times()[:2])
        except psutil.NoSuchProcess:
            pass
    return total


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
        cancelled = [cancelled_ms(stack) for _ in range(ROUNDS)]
    figures = [
        Figure("p50", "ms", middles, reference=2_000),
        Figure("p99", "ms", slowest, reference=5_000),
        Figure("cancelled", "ms", cancelled),
    ]
    return Report("deadtime", seed, figures)
