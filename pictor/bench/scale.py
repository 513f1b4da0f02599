"""`make bench WHAT=scale`: eight nodes against one on the same kind of job; a task takes a fixed time and no processor."""

import os
import tempfile
from pathlib import Path

from pictor.bench.crew import crew
from pictor.bench.dispatch import noop_rates
from pictor.bench.report import Figure, Report
from pictor.bench.servers import servers
from pictor.bench.tasks import Noops
from pictor_agent import protocol

NODES, SECONDS = 8, 0.25
WAITING = 1_000
ROUND_SECONDS = 8.0  # a node does 32 tasks in it: one more or less is 3 %
ROUNDS = 1 if os.environ.get("BENCH_QUICK") else 5


def measure(seed: int) -> Report:
    ones, eights = [], []
    with tempfile.TemporaryDirectory(prefix="pictor-bench-") as folder, servers(Path(folder), "sockets", "feeder") as stack:
        noops, before = Noops(), 0
        for _ in range(ROUNDS):
            for nodes, rates in ((1, ones), (NODES, eights)):
                with crew(stack.live_url + protocol.PATH, agents=nodes, processes=1, seconds=SECONDS) as team:
                    rates += noop_rates(team, noops, WAITING, done=before, rounds=1, seconds=ROUND_SECONDS)
                    before += team.recorded
    efficiency = [many / (NODES * one) for many, one in zip(eights, ones, strict=True)]
    return Report(
        "scale",
        seed,
        [
            Figure("efficiency", "x", efficiency, reference=1.0),
            Figure("one_node", "1/s", ones, reference=1 / SECONDS),
            Figure("eight_nodes", "1/s", eights, reference=NODES / SECONDS),
        ],
    )
