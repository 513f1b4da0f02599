"""The feeder and the sweeps of the queue; ids in, one service call, safe to run twice."""

from datetime import timedelta

import structlog
from celery import shared_task
from django.db.models import Q

from common import clock
from workers import (
    alerts,
    benchmark_scores,
    benchmarks,
    controls,
    events,
    judging,
    misfits,
    nearness,
    nudges,
    rollups,
    services,
    standing,
    transfers,
)
from workers.states import ReturnReason

log = structlog.get_logger(__name__)

ACKNOWLEDGE_SECONDS = 10  # an assignment that its node has not confirmed by then comes back
ATTEMPT_HOURS_MAX = 24  # no renewal helps beyond this
ROUNDS = 200  # batches in one run of the feeder


@shared_task
def feed() -> int:
    """Lease batch after batch until one has room to spare: it saw all that fits. Returns the number of leases."""
    nudges.take_nudge()
    leased = 0
    for _ in range(ROUNDS):
        count = services.feed_once(clock.now())
        leased += count
        if count < services.BATCH // 2:  # a few of a full batch may have been refused
            break
    return leased


@shared_task
def sweep_expired_leases() -> None:
    """Work of nodes that no longer renew their leases, or that hold them beyond all measure, waits again."""
    now = clock.now()
    due = Q(expires_at__lt=now) | Q(leased_at__lt=now - timedelta(hours=ATTEMPT_HOURS_MAX))
    _log("sweep_expired_leases", services.return_leases(due, ReturnReason.LEASE_EXPIRED, now=now))


@shared_task
def sweep_unacknowledged_leases() -> None:
    """Assignments that were lost between feeder and node wait again."""
    now = clock.now()
    due = Q(acknowledged_at=None, leased_at__lt=now - timedelta(seconds=ACKNOWLEDGE_SECONDS))
    _log("sweep_unacknowledged_leases", services.return_leases(due, ReturnReason.NOT_ACKNOWLEDGED, now=now))


@shared_task
def sweep_dead_gateways() -> None:
    """Nodes whose gateway died without a goodbye are offline."""
    _log("sweep_dead_gateways", services.lose_dead_gateways(now=clock.now()))


@shared_task
def sweep_offline_alerts() -> None:
    """Owners hear of nodes that went away, and of those that are back."""
    _log("sweep_offline_alerts", alerts.keep(now=clock.now()))


@shared_task
def sweep_hours() -> None:
    """Nodes open and close when their schedule or their maintenance says so."""
    _log("sweep_hours", controls.keep_all_hours(now=clock.now()))


@shared_task
def sweep_telemetry_days() -> None:
    """Partitions for what comes exist; those that are too old are gone."""
    _log("sweep_telemetry_days", rollups.rotate_partitions(now=clock.now()))


@shared_task
def sweep_telemetry_hours() -> None:
    """Minutes of hours that are over are added up to hours and days."""
    _log("sweep_telemetry_hours", rollups.roll(now=clock.now()))


@shared_task
def sweep_stale_partials() -> None:
    """Half-sent files of nodes that never came back are dropped."""
    _log("sweep_stale_partials", transfers.drop_stale_partials())


@shared_task
def sweep_reliability() -> None:
    """What nodes did since the last run is added to their days; reliability and level follow."""
    now = clock.now()
    standing.measure(now=now)
    _log("sweep_reliability", standing.keep(now=now))


@shared_task
def sweep_node_history() -> None:
    """Old lines, days and benchmarks of nodes, misfits that have ended and scenes that nobody rendered for long are dropped."""
    now = clock.now()
    drops = (events.drop_old, misfits.drop_ended, nearness.drop_unused, standing.drop_old, benchmarks.drop_old)
    _log("sweep_node_history", sum(drop(now=now) for drop in drops))


@shared_task
def judge_benchmark(run_id: int) -> None:
    """A node has sent what it was asked for."""
    judging.judge_run(run_id, now=clock.now())


@shared_task
def sweep_benchmarks() -> None:
    """Idle nodes whose time has come are measured; what was sent and not judged is; what nobody ends is given up, and a node that
    ends none is doubted.
    """
    now = clock.now()
    for run_id in benchmarks.unjudged():
        judging.judge_run(run_id, now=now)
    given_up = benchmarks.give_up(now=now)
    _log("sweep_benchmarks", given_up + benchmark_scores.doubt_failing(now=now) + benchmarks.queue_due(now=now))


def _log(name: str, count: int) -> None:
    if count:
        log.info(name, count=count)
