"""Minutes of telemetry: summed, written in bulk, kept by day."""

from datetime import timedelta

import pytest
from django.db import connection

from pictor_agent import protocol
from tests.workers.builders import NOW, worker
from workers import services, telemetry, uptime
from workers.models import Tally, WorkerMinute
from workers.telemetry import Minute

pytestmark = pytest.mark.django_db


def minute(**changes) -> Minute:
    summed = Minute()
    summed.add(protocol.Heartbeat(**({"cpu_load": 0.5, "ram_used_bytes": 5, "network_down_bytes": 7} | changes)))
    return summed


def partitions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'workers_workerminute'::regclass")
        return {name for (name,) in cursor.fetchall()}


class MinuteTests:
    def test_two_gateways_may_write_the_same_minute(self):
        telemetry.write_minutes({(1, NOW): minute()})
        telemetry.write_minutes({(1, NOW): minute(cpu_load=1.0, ram_used_bytes=9), (2, NOW): minute()})
        row = WorkerMinute.objects.get(worker_id=1)
        assert (row.samples, row.cpu_load_sum, row.ram_used_bytes_max, row.network_down_bytes) == (2, 1.5, 9, 14)

    def test_an_absurd_claim_leaves_the_minute_of_the_others_alone(self):
        absurd = Minute()
        for _ in range(5_000):
            absurd.add(protocol.Heartbeat(network_down_bytes=2**53, network_up_bytes=2**53))
        telemetry.write_minutes({(1, NOW): minute(), (2, NOW): absurd})
        telemetry.write_minutes({(2, NOW): absurd})
        assert WorkerMinute.objects.count() == 2

    def test_days_get_their_own_partition_and_old_ones_go(self):
        telemetry.rotate_minutes(now=NOW)
        assert {"workers_workerminute_20260302", "workers_workerminute_20260303"} <= partitions()
        telemetry.write_minutes({(1, NOW + timedelta(days=1)): minute()})
        assert telemetry.rotate_minutes(now=NOW) == 0
        telemetry.rotate_minutes(now=NOW + timedelta(days=telemetry.KEEP_DAYS + 2))
        assert "workers_workerminute_20260302" not in partitions()
        assert not WorkerMinute.objects.exists()


class TallyTests:
    def test_sums_of_a_day_grow(self):
        node = worker()
        services.tally_all(NOW.date(), [services.Sums(node.pk, tasks_accepted=1, busy_seconds=2.5, earned_micros=10)])
        services.tally_all(NOW.date(), [services.Sums(node.pk, tasks_failed=1, earned_micros=5)])
        row = Tally.objects.get()
        assert (row.tasks_accepted, row.tasks_failed, row.busy_seconds, row.earned_micros) == (1, 1, 2.5, 15)

    def test_days_of_an_owner_sum_over_the_nodes_of_this_owner_alone(self):
        node, foreign = worker(), worker()
        other = worker(owner=node.owner)
        before = NOW.date() - timedelta(days=1)
        services.tally_all(before, [services.Sums(node.pk, tasks_failed=2)])
        services.tally_all(NOW.date(), [services.Sums(each.pk, tasks_accepted=1, earned_micros=5) for each in (node, other)])
        services.tally_all(NOW.date(), [services.Sums(foreign.pk, tasks_accepted=9)])
        assert services.days_of(node.owner_id) == [
            services.Day(before, 0, 2, 0),
            services.Day(NOW.date(), 2, 0, 10),
        ]


class UptimeTests:
    def test_shifts_are_cut_to_the_period(self):
        hour = timedelta(hours=1)
        spans = [(NOW - 3 * hour, NOW - 2 * hour), (NOW - hour / 2, None)]
        assert uptime.online_seconds(spans, NOW - 2.5 * hour, NOW) == 3600
        assert uptime.share(spans, NOW - 4 * hour, NOW) == pytest.approx(1.5 / 4)
        assert uptime.share([], NOW, NOW) is None

    def test_a_night_shift_counts_for_both_days(self):
        midnight = NOW.replace(hour=0)
        spans = [(midnight - timedelta(hours=2), midnight + timedelta(hours=3))]
        assert [hours for _, hours in uptime.days(spans, NOW, weeks=1)][-2:] == [2, 3]

    @pytest.mark.parametrize(("hours", "level"), [(0, 0), (1, 1), (7, 2), (13, 3), (24, 4)])
    def test_a_square_is_as_dark_as_the_day_was_long(self, hours, level):
        assert uptime.level(hours) == level
