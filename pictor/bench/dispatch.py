"""`make bench WHAT=dispatch`: tasks leased, run (no-op) and recorded per second, by real processes and sockets.

Four figures of one machine: no-op work through sockets, at growing numbers of waiting tasks; frames with attempts,
charges and splits through sockets, not looked at; the queue's own functions without any socket; its statements alone.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from django.db import connection

from common import clock
from pictor.bench import lifecycle
from pictor.bench.agents import CLAIMED_SECONDS
from pictor.bench.crew import Crew, crew, make_nodes
from pictor.bench.report import Figure, Report
from pictor.bench.servers import servers
from pictor.bench.tasks import Noops, settle, submit_seconds
from pictor.stack.processes import wait_until
from pictor_agent import protocol
from workers import services as queue
from workers.models import Lease, Tally, Work, Worker

AGENTS, PROCESSES = 200, 2
SIZES = (1_000, 10_000, 100_000, 1_000_000)
ROUNDS, ROUND_SECONDS, WARM_SECONDS = 5, 2.0, 3.0
JOB_FRAMES, JOBS = 10_000, 4
REFERENCES = {1_000: 320.0, 10_000: 22.0, 100_000: 3.0}  # Flamenco's model on two cores, middle of what was measured


def rates(
    count: Callable[[], int],
    keep_up: Callable[[], None] = lambda: None,
    *,
    rounds: int = ROUNDS,
    seconds: float = ROUND_SECONDS,
) -> list[float]:
    """What `count` grows by a second, in each round."""
    found = []
    _pass(WARM_SECONDS, keep_up)
    for _ in range(rounds):
        before, began = count(), time.perf_counter()
        _pass(seconds, keep_up)
        found.append((count() - before) / (time.perf_counter() - began))
    return found


def _pass(seconds: float, keep_up: Callable[[], None]) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        keep_up()
        time.sleep(0.05)


def noop_rates(team: Crew, noops: Noops, size: int, *, done: int = 0, **of_rates) -> list[float]:
    """With `size` tasks in the queue all the while: what was done is put in again. `done`: by teams before this one."""
    if (missing := size - (noops.made - done - team.recorded)) > 0:
        noops.fill(missing)

    def keep_up() -> None:
        if (gone := done + team.recorded + size - noops.made) > 0:
            noops.add(gone)

    return rates(lambda: team.recorded, keep_up, **of_rates)


def render_rates() -> list[float]:
    """Frames of real jobs: accepted, charged and split."""
    accepted = lambda: sum(Tally.objects.values_list("tasks_accepted", flat=True))  # noqa: E731
    return rates(accepted)


# Without sockets ------------------------------------------------------------------------------------------------------


def database_rates(batch: int) -> list[float]:
    """The queue's statements alone, by clients side by side, with so many tasks in a transaction."""
    _no_work()
    uids = [uid for uid, _ in make_nodes(lifecycle.CLIENTS * batch // len(lifecycle.PLACES))]
    ids = list(Worker.objects.filter(uid__in=uids).values_list("pk", flat=True))
    settle()
    return lifecycle.rates(Noops().owner.pk, ids, batch=batch, rounds=ROUNDS, seconds=ROUND_SECONDS)


def functions_rates() -> list[float]:
    """The feeder's and the gateway's functions called in turns, for nodes that are online in name only."""
    _no_work()
    uids = [uid for uid, _ in make_nodes(AGENTS)]
    names = {"blender_versions": ["5.0.1"], "isolation": "bubblewrap", "ram_bytes": 2**34, "gateway_id": "bench"}
    Worker.objects.exclude(uid__in=uids).update(status="offline", connected_at=None)
    Worker.objects.filter(uid__in=uids).update(status="online", connected_at=clock.now(), connection_epoch=1, slots=2, **names)
    noops, done = Noops(), [0]
    noops.fill(200_000)

    def turn() -> None:
        queue.feed_once(clock.now())
        done[0] += _record_all()

    return rates_of_turns(turn, lambda: done[0])


def rates_of_turns(turn: Callable[[], None], count: Callable[[], int]) -> list[float]:
    found = []
    for _ in range(ROUNDS + 1):
        before, began = count(), time.perf_counter()
        while time.perf_counter() - began < ROUND_SECONDS:
            turn()
        found.append((count() - before) / (time.perf_counter() - began))
    return found[1:]


def _record_all() -> int:
    """Every lease is received, started, rendered and done."""
    digest = "0" * 64
    result = protocol.RenderResult(
        file_sha256=digest, pixels_sha256=digest, size_bytes=1, width=1, height=1, render_seconds=CLAIMED_SECONDS
    )
    reports = []
    for work_id, worker_id, attempt in Lease.objects.values_list("work_id", "worker_id", "attempt"):
        head = {"work_id": work_id, "attempt": attempt}
        said = [queue.Arrived(**head), protocol.Started(**head)]
        said += [protocol.Rendered(**head, result=result), protocol.Done(**head, result=result)]
        reports += [queue.Incoming(worker_id, message) for message in said]
    queue.record(reports, clock.now())
    return len(reports) // 4


def _no_work() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE workers_work, workers_lease CASCADE")


# All together ---------------------------------------------------------------------------------------------------------


def measure(seed: int, *, sizes: tuple[int, ...] = SIZES, agents: int = AGENTS) -> Report:
    """Largest size last, so that each begins in tables that have only ever held fewer."""
    report = Report("dispatch", seed)
    with (
        tempfile.TemporaryDirectory(prefix="pictor-bench-") as folder,
        servers(Path(folder), "sockets", "feeder", "background") as stack,
        crew(stack.live_url + protocol.PATH, agents=agents, processes=PROCESSES) as team,
    ):
        _through_sockets(report, team, sizes)
        _frames(report)
    report.figures.append(Figure("functions_only", "1/s", functions_rates()))
    report.figures.append(Figure("database_only", "1/s", database_rates(lifecycle.BATCH)))
    report.figures.append(Figure("database_only_small", "1/s", database_rates(lifecycle.SMALL)))
    return report


def _through_sockets(report: Report, team: Crew, sizes: tuple[int, ...]) -> None:
    noops = Noops()
    noop_rates(team, noops, sizes[0])  # young processes are slow: statements are not planned yet
    found = {size: noop_rates(team, noops, size) for size in sizes}
    _no_work()
    again = noop_rates(team, Noops(), sizes[0], done=-team.recorded)  # what the machine has come to meanwhile
    figures = [Figure(f"end_to_end_{size}", "1/s", rates, reference=REFERENCES.get(size)) for size, rates in found.items()]
    least = median(found[sizes[0]] + again)
    report.figures += [
        *figures,
        Figure("end_to_end", "1/s", [figure.value for figure in figures]),
        Figure("lost_with_size", "%", [100 * (1 - rate / least) for rate in found[sizes[-1]]]),
    ]
    wait_until(lambda: not noops_left(), 1)
    _no_work()


def noops_left() -> bool:
    return Work.objects.filter(kind="noop").exists()


def _frames(report: Report) -> None:
    seconds = [submit_seconds(JOB_FRAMES) for _ in range(JOBS)]
    report.figures.append(Figure("submit_10000", "s", seconds))
    report.figures.append(Figure("frames_end_to_end", "1/s", render_rates(), reference=80.0))
