"""`make bench WHAT=heartbeats`: reports of nodes a second through the gateway to Redis and into minutes; what 10,000 nodes cost.

Counted are the samples in the rows of whole minutes: what has been decoded, summed and written. Nodes are real sockets of
processes beside it, so on a small machine the rate is also theirs.
"""

import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Count, Sum

from common import realtime
from pictor.bench import gauges, processor
from pictor.bench.crew import crew, make_nodes
from pictor.bench.report import Figure, Report
from pictor.bench.servers import servers
from pictor.stack.processes import wait_until
from pictor.stack.stack import Stack
from pictor_agent import protocol
from workers import charts, rollups, telemetry
from workers.models import Gpu, Worker, WorkerMinute

QUICK = bool(os.environ.get("BENCH_QUICK"))
FLOODING, FLOOD_SECONDS = 60, 1 / 150  # nodes, and between their reports: below the limit of a node
NODES, REPORT_SECONDS, PROCESSES = (1_000 if QUICK else 10_000), 5.0, 4
SIGN_ON_SECONDS = 900
MINUTES = 1 if QUICK else 3
MINUTE = timedelta(minutes=1)
SINGLE_SECONDS = 5.0
YEAR_NODES = 200 if QUICK else 2_000
READS = 30


def measure(seed: int) -> Report:
    report = Report("heartbeats", seed)
    single = single_row_rate()
    with tempfile.TemporaryDirectory(prefix="pictor-bench-") as folder, servers(Path(folder), "sockets") as stack:
        report.figures += _flood(stack, single)
        report.figures += _everybody(stack)
    report.figures.append(_roll())
    report.figures += _charts()
    return report


def single_row_rate() -> float:
    """The reference: one UPDATE of one node per report, each a transaction."""
    make_nodes(1)
    pk, done, began = Worker.objects.values_list("pk", flat=True).last(), 0, time.perf_counter()
    with connection.cursor() as cursor:
        while (passed := time.perf_counter() - began) < SINGLE_SECONDS:
            cursor.execute("UPDATE workers_worker SET last_seen_at = now() WHERE id = %s", [pk])
            done += 1
    return done / passed


# Through the gateway --------------------------------------------------------------------------------------------------


def _flood(stack: Stack, single: float) -> list[Figure]:
    """As many as it takes: a few nodes that report without a pause."""
    with crew(_url(stack), agents=FLOODING, processes=2, seconds=FLOOD_SECONDS, program="beaters"):
        minutes = _whole_minutes(stack.pid_of("sockets"))
        held = sum(key is not None for key in realtime.connection().mget(_sample_keys()))
        assert held == FLOODING, f"{held} of {FLOODING} samples are in Redis"
    return [
        Figure("through_gateway", "1/s", [samples / 60 for samples, _, _ in minutes], reference=single),
        Figure("gateway_time", "µs", [1e6 * seconds / samples for samples, seconds, _ in minutes]),
    ]


def _everybody(stack: Stack) -> list[Figure]:
    """As many nodes as a network has, at the pace that the server asks for."""
    pid = stack.pid_of("sockets")
    with crew(
        _url(stack), agents=NODES, processes=PROCESSES, seconds=REPORT_SECONDS, program="beaters", patience=SIGN_ON_SECONDS
    ):
        minutes = _whole_minutes(pid)
    return [
        Figure(f"of_{NODES}_nodes", "1/s", [samples / 60 for samples, _, _ in minutes], reference=NODES / REPORT_SECONDS),
        Figure("database", "core", [seconds / 60 for _, _, seconds in minutes]),
        Figure("gateway", "core", [seconds / 60 for _, seconds, _ in minutes]),
    ]


def _url(stack: Stack) -> str:
    return stack.live_url + protocol.PATH


def _sample_keys() -> list[str]:
    return [telemetry.sample_key(pk) for pk in Worker.objects.order_by("-pk").values_list("pk", flat=True)[:FLOODING]]


def _whole_minutes(sockets_pid: int) -> list[tuple[int, float, float]]:
    """Of each of MINUTES whole minutes: samples that were written, seconds of the gateway and of PostgreSQL."""
    postgres_pid, found = processor.postgres_pid(), []
    minute = _next_minute()
    for _ in range(MINUTES):
        _sleep_until(minute)
        before = [processor.seconds_of(pid) for pid in (sockets_pid, postgres_pid)]
        _sleep_until(minute + MINUTE)
        gateway, database = (
            processor.seconds_of(pid) - then for pid, then in zip((sockets_pid, postgres_pid), before, strict=True)
        )
        found.append((_samples(minute), gateway, database))
        minute += MINUTE
    return found


def _next_minute() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0) + MINUTE


def _sleep_until(moment: datetime) -> None:
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))


def _samples(minute: datetime) -> int:
    """In the rows of this minute, once they have all been written: all nodes in one statement."""
    rows = WorkerMinute.objects.filter(minute_at=minute)
    assert wait_until(rows.exists, 30), f"no row of {minute:%H:%M} was written"
    return rows.aggregate(sum=Sum("samples"), nodes=Count("worker_id"))["sum"]


# Hours and charts -----------------------------------------------------------------------------------------------------


def _roll() -> Figure:
    """An hour of all nodes, each with a GPU, added up, with the hour before it once more."""
    gauges.empty()
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    gauges.fill("minute", NODES, since=hour, until=hour + 2 * timedelta(hours=1))
    seconds = []
    for until in (hour + timedelta(hours=1), hour + timedelta(hours=2)):
        rollups.Rolled.objects.update_or_create(pk=1, defaults={"until_at": until - timedelta(hours=1)})
        began = time.perf_counter()
        rollups.roll(now=until + rollups.SETTLES)
        seconds.append(time.perf_counter() - began)
    return Figure("hour_added_up", "s", seconds)


def _charts() -> list[Figure]:
    """One node's charts among those of many, each period by itself."""
    gauges.empty()
    now = datetime.now(UTC)
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    gauges.fill("day", YEAR_NODES, since=day - timedelta(days=364), until=day)
    gauges.fill("hour", YEAR_NODES // 10, since=day - timedelta(days=30), until=now.replace(minute=0, second=0, microsecond=0))
    gauges.fill("minute", YEAR_NODES // 20, since=now.replace(second=0, microsecond=0) - timedelta(days=1), until=now)
    rollups.Rolled.objects.create(pk=1, until_at=now.replace(minute=0, second=0, microsecond=0))
    owner = get_user_model().objects.create(username="bench-charts")
    node, _ = Worker.objects.get_or_create(pk=7, defaults={"owner": owner, "name": "charts"})
    Gpu.objects.get_or_create(worker=node, index=0, defaults={"model": "Bench RTX", "vram_bytes": 2**34})
    node = Worker.objects.prefetch_related("gpus").get(pk=7)
    return [
        Figure(f"chart_{period.key}", "ms", [_read_ms(node, period, now) for _ in range(READS)]) for period in charts.PERIODS
    ]


def _read_ms(node: Worker, period: charts.Period, now: datetime) -> float:
    began = time.perf_counter()
    shown = charts.read(node, period, now=now)
    assert len(shown.charts) == 7
    assert shown.figures
    return 1e3 * (time.perf_counter() - began)
