"""Gauges over time: minutes are written in bulk, hours and days follow from them, old ones go with their partition."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.db.models import Max, Sum
from hypothesis import given, settings
from hypothesis import strategies as st

from pictor_agent import protocol
from tests.workers.builders import NOW
from workers import minutes, rollups
from workers.minutes import Minute, keeps_larger
from workers.models import GpuDay, GpuHour, GpuMinute, Rolled, WorkerDay, WorkerHour, WorkerMinute

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
MACHINE, GPU = rollups.SUBJECTS


def beat(**changes) -> protocol.Heartbeat:
    return protocol.Heartbeat(**({"cpu_load": 0.5, "ram_used_bytes": 5, "network_down_bytes": 7} | changes))


def minute(*beats: protocol.Heartbeat, **changes) -> Minute:
    summed = Minute()
    for each in beats or [beat(**changes)]:
        summed.add(each)
    return summed


def gpu(index: int = 0, **changes) -> protocol.GpuSample:
    return protocol.GpuSample(index=index, **({"load": 0.5, "temperature_celsius": 60.0, "power_watts": 100.0} | changes))


def write(*moments: datetime, worker_id: int = 1, **changes) -> None:
    rollups.write_minutes({(worker_id, at): minute(**changes) for at in moments})


def roll_until(now: datetime) -> None:
    while rollups.roll(now=now):
        pass


def sums(model, subject) -> dict:
    """All figures of a table as one: what is added is summed, what keeps the larger is the largest."""
    largest = {f: Max(f) for f in subject.figures if keeps_larger(f)}
    return model.objects.aggregate(**{f: Sum(f, default=0) for f in subject.figures if f not in largest}, **largest)


def rows(model) -> list:
    return list(model.objects.order_by("pk").values_list())


def partitions(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table])
        return {name.removeprefix(f"{table}_") for (name,) in cursor.fetchall()}


class MinuteTests:
    def test_two_gateways_may_write_the_same_minute(self):
        rollups.write_minutes({(1, NOW): minute(gpus=[gpu()])})
        rollups.write_minutes({(1, NOW): minute(cpu_load=1.0, ram_used_bytes=9, gpus=[gpu(load=1.0)]), (2, NOW): minute()})
        row = WorkerMinute.objects.get(worker_id=1)
        assert (row.samples, row.cpu_load_sum, row.ram_used_bytes_max, row.network_down_bytes) == (2, 1.5, 9, 14)
        assert GpuMinute.objects.values_list("samples", "load_sum", "watts_sum").get() == (2, 1.5, 200.0)

    def test_each_gpu_has_a_row_of_its_own(self):
        write(NOW, gpus=[gpu(0, vram_used_bytes=3), gpu(1, vram_used_bytes=4, temperature_celsius=80.0)])
        assert list(GpuMinute.objects.values_list("gpu_index", "vram_used_bytes_max")) == [(0, 3), (1, 4)]
        assert WorkerMinute.objects.get().gpu_celsius_max == 80.0

    def test_an_absurd_claim_leaves_the_minute_of_the_others_alone(self):
        absurd = Minute()
        for _ in range(5_000):
            absurd.add(beat(network_down_bytes=2**53, network_up_bytes=2**53))
        rollups.write_minutes({(1, NOW): minute(), (2, NOW): absurd})
        rollups.write_minutes({(2, NOW): absurd})
        assert WorkerMinute.objects.count() == 2

    def test_a_figure_that_no_gpu_can_have_is_cut(self):
        hot = minute(gpus=[gpu(temperature_celsius=1e9, power_watts=-1e9), gpu(1, power_watts=1e9)])
        assert (hot.gpus[0].celsius_max, hot.gpus[0].watts_sum) == (minutes.CELSIUS_MAX, 0.0)
        assert hot.gpus[1].watts_sum == minutes.WATTS_MAX

    def test_a_node_that_names_new_gpus_in_every_report_fills_no_memory(self):
        reports = [beat(gpus=[gpu(first + n) for n in range(64)]) for first in range(0, 640, 64)]
        assert len(minute(*reports).gpus) == minutes.GPUS_MAX


# Any node, any minute of three days, a report in it: what the laws below hold for.
MINUTES_OF_THREE_DAYS = 3 * 24 * 60
FIRST = datetime(2026, 2, 20, 22, 30, tzinfo=UTC)
LAST = FIRST + timedelta(minutes=MINUTES_OF_THREE_DAYS)
samples = st.builds(
    gpu,
    st.integers(0, 2),
    load=st.floats(0, 1),
    vram_used_bytes=st.integers(0, 2**53),
    temperature_celsius=st.floats(-1e9, 1e9),
    power_watts=st.floats(-1e9, 1e9),
)
beats = st.builds(
    beat,
    cpu_load=st.floats(0, 1),
    ram_used_bytes=st.integers(0, 2**53),
    network_up_bytes=st.integers(0, 2**53),
    gpus=st.lists(samples, max_size=3),
)
reports = st.lists(st.tuples(st.integers(1, 3), st.integers(0, MINUTES_OF_THREE_DAYS - 1), beats), max_size=30)


def write_reports(given: list) -> None:
    summed: dict = {}
    for worker_id, place, said in given:
        summed.setdefault((worker_id, FIRST + timedelta(minutes=place)), Minute()).add(said)
    rollups.write_minutes(summed)


def empty_tables() -> None:
    for model in (WorkerMinute, WorkerHour, WorkerDay, GpuMinute, GpuHour, GpuDay, Rolled):
        model.objects.all().delete()


class RollTests:
    @given(reports)
    @settings(max_examples=40)
    def test_hours_and_days_add_up_to_the_minutes(self, given_reports):
        empty_tables()
        write_reports(given_reports)
        roll_until(LAST + 2 * HOUR)
        for subject, tables in ((MACHINE, (WorkerMinute, WorkerHour, WorkerDay)), (GPU, (GpuMinute, GpuHour, GpuDay))):
            minutes, hours, days = (sums(table, subject) for table in tables)
            assert hours == pytest.approx(minutes)
            assert days == pytest.approx(minutes)
            counted = tables[0].objects.count()
            assert [table.objects.aggregate(n=Sum("minutes", default=0))["n"] for table in tables[1:]] == [counted, counted]

    @given(reports)
    @settings(max_examples=20)
    def test_adding_up_again_changes_nothing(self, given_reports):
        empty_tables()
        write_reports(given_reports)
        roll_until(LAST + 2 * HOUR)
        tables = (WorkerHour, WorkerDay, GpuHour, GpuDay)
        before = [rows(table) for table in tables]
        Rolled.objects.all().delete()
        roll_until(LAST + 2 * HOUR)
        assert [rows(table) for table in tables] == before

    @given(reports, st.lists(st.integers(0, 72), max_size=4))
    @settings(max_examples=20)
    def test_hour_by_hour_or_all_at_once_is_the_same(self, given_reports, stops):
        empty_tables()
        write_reports(given_reports)
        for hours in sorted(stops):
            roll_until(FIRST + hours * HOUR)
        roll_until(LAST + 2 * HOUR)
        for_all = [rows(table) for table in (WorkerHour, WorkerDay, GpuHour, GpuDay)]
        empty_tables()
        write_reports(given_reports)
        roll_until(LAST + 2 * HOUR)
        assert [rows(table) for table in (WorkerHour, WorkerDay, GpuHour, GpuDay)] == for_all

    def test_an_hour_is_added_up_once_it_is_over(self):
        write(NOW + HOUR / 2)
        roll_until(NOW + HOUR)
        assert not WorkerHour.objects.exists()
        roll_until(NOW + HOUR + rollups.SETTLES)
        assert WorkerHour.objects.values_list("worker_id", "hour_at", "minutes").get() == (1, NOW, 1)
        assert WorkerDay.objects.values_list("day_on", "minutes").get() == (date(2026, 3, 1), 1)

    def test_a_minute_that_comes_late_still_counts(self):
        write(NOW)
        roll_until(NOW + HOUR + rollups.SETTLES)
        write(NOW + HOUR - timedelta(minutes=1), gpus=[gpu()])
        roll_until(NOW + 2 * HOUR + rollups.SETTLES)
        assert WorkerHour.objects.get().minutes == 2
        assert WorkerDay.objects.get().minutes == 2
        assert GpuHour.objects.get().samples == 1

    def test_minutes_that_a_gateway_held_back_are_never_too_late(self):
        assert rollups.HELD + rollups.SETTLES < rollups.LATE

    def test_an_hour_whose_minutes_are_gone_stays_as_it_is(self):
        write(NOW)
        roll_until(NOW + 2 * HOUR)
        WorkerMinute.objects.all().delete()
        Rolled.objects.update(until_at=NOW)
        roll_until(NOW + 4 * HOUR)
        assert WorkerHour.objects.get().minutes == 1

    def test_after_a_long_pause_it_catches_up_run_by_run(self):
        write(NOW - timedelta(days=5), NOW - HOUR)
        assert rollups.roll(now=NOW + HOUR) == rollups.HOURS_A_RUN
        roll_until(NOW + HOUR)
        assert WorkerHour.objects.count() == 2


class PartitionTests:
    def test_days_months_and_years_get_partitions_and_old_ones_go(self):
        rollups.rotate_partitions(now=NOW)
        assert {"20260301", "20260302", "20260303"} <= partitions("workers_workerminute") & partitions("workers_gpuminute")
        assert {"20260301", "20260401", "20260501"} <= partitions("workers_workerhour") & partitions("workers_gpuhour")
        assert {"20260101", "20270101", "20280101"} <= partitions("workers_workerday") & partitions("workers_gpuday")
        write(NOW + timedelta(days=1))
        assert rollups.rotate_partitions(now=NOW) == 0
        rollups.rotate_partitions(now=NOW + timedelta(days=rollups.MINUTE_DAYS + 2))
        assert "20260302" not in partitions("workers_workerminute")
        assert "20260301" in partitions("workers_workerhour")
        assert not WorkerMinute.objects.exists()

    def test_a_day_that_has_begun_without_a_partition_stays_where_it_is(self):
        first_of_june = datetime(2031, 6, 1, 12, tzinfo=UTC)
        write(first_of_june)
        rollups.rotate_partitions(now=first_of_june)
        assert "20310601" not in partitions("workers_workerminute")
        assert "20310602" in partitions("workers_workerminute")
        assert WorkerMinute.objects.count() == 1

    def test_hours_outlive_minutes_and_days_outlive_hours(self):
        write(NOW)
        roll_until(NOW + 2 * HOUR)
        rollups.rotate_partitions(now=NOW)
        rollups.rotate_partitions(now=NOW + timedelta(days=rollups.HOUR_DAYS - 1))
        assert (WorkerMinute.objects.count(), WorkerHour.objects.count(), WorkerDay.objects.count()) == (0, 1, 1)
        rollups.rotate_partitions(now=NOW + timedelta(days=rollups.HOUR_DAYS + 32))
        assert (WorkerHour.objects.count(), WorkerDay.objects.count()) == (0, 1)

    def test_a_heartbeat_writes_into_no_index_but_the_key(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tablename, count(*) FROM pg_indexes WHERE tablename ~ '^workers_(worker|gpu)(minute|hour|day)$' GROUP BY 1"
            )
            found = dict(cursor.fetchall())
        assert len(found) == 6
        assert set(found.values()) == {1}
