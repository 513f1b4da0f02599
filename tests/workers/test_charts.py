"""A node's gauges over time: an even grid with gaps, the same whatever rows it comes from, and the page that shows it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from common import clock
from pictor_agent import protocol
from tests.workers import builders
from tests.workers.builders import NOW
from workers import charts, rollups
from workers.charts import PERIODS
from workers.minutes import Minute
from workers.models import Gpu, Worker, WorkerMinute

pytestmark = pytest.mark.django_db

BY_KEY = {period.key: period for period in PERIODS}
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def node(wanda) -> Worker:
    worker = builders.worker(owner=wanda, name="atelier-4090")
    Gpu.objects.create(worker=worker, index=0, model="RTX 4090", vram_bytes=24 * 1024**3)
    Worker.objects.filter(pk=worker.pk).update(created_at=NOW)  # long ago
    return worker


def report(worker: Worker, at: datetime, *, load: float = 0.5, samples: int = 1, **changes) -> None:
    summed = Minute()
    for _ in range(samples):
        gpu = protocol.GpuSample(index=0, load=load, temperature_celsius=60.0, power_watts=200.0, vram_used_bytes=1024**3)
        summed.add(protocol.Heartbeat(**({"cpu_load": load, "ram_used_bytes": 2 * 1024**3, "gpus": [gpu]} | changes)))
    rollups.write_minutes({(worker.pk, at): summed})


def read(worker: Worker, key: str, now: datetime = NOW) -> charts.Charts:
    return charts.read(Worker.objects.prefetch_related("gpus").get(pk=worker.pk), BY_KEY[key], now=now)


def line(shown: charts.Charts, source: str) -> list:
    return next(line.values for chart in shown.charts for line in chart.lines if line.source == source)


def roll_until(now: datetime) -> None:
    while rollups.roll(now=now):
        pass


class ReadTests:
    def test_minutes_in_which_nothing_was_reported_are_gaps(self, node):
        report(node, NOW - 3 * MINUTE, load=0.2)
        report(node, NOW - MINUTE, load=0.4)
        assert line(read(node, "1h"), "cpu") == [None] * 56 + [20.0, None, 40.0, None]

    def test_a_mean_weighs_every_sample_and_a_peak_stays_a_peak(self, node):
        report(node, NOW - 2 * MINUTE, load=0.2, samples=3)
        report(node, NOW - MINUTE, load=1.0, ram_used_bytes=8 * 1024**3)
        shown = read(node, "24h")
        assert line(shown, "load:0")[-2:] == [40.0, None]
        assert line(shown, "ram")[-2] == 8.0

    def test_every_gauge_has_its_unit(self, node):
        report(node, NOW, network_down_bytes=60 * 1_000_000, network_up_bytes=6 * 1_000_000)
        shown = read(node, "1h")
        newest = {line.source: line.values[-1] for chart in shown.charts for line in chart.lines}
        assert newest == {
            "cpu": 50.0, "ram": 2.0, "down": 8.0, "up": 0.8, "load:0": 50.0, "vram:0": 1.0, "celsius:0": 60.0, "watts:0": 200.0,
        }  # fmt: skip

    @pytest.mark.parametrize("period", PERIODS, ids=lambda period: period.key)
    def test_hours_that_are_added_up_and_minutes_that_are_not_yet_make_one_line(self, node, period):
        for moment in (NOW - 20 * MINUTE, NOW - 3 * HOUR, NOW - 3 * HOUR + MINUTE, NOW - 30 * HOUR, NOW - 6 * DAY):
            report(node, moment, load=0.25)
        before = read(node, period.key)
        roll_until(NOW - 2 * HOUR)
        between = read(node, period.key)
        roll_until(NOW + 2 * MINUTE)
        after = read(node, period.key)
        in_period = 1 if period.key == "1h" else 3 if period.key == "24h" else 5
        assert between.reported == after.reported == in_period * MINUTE
        assert between.charts == after.charts
        if period.grain == "minute":
            assert before == after

    @pytest.mark.parametrize("period", PERIODS, ids=lambda period: period.key)
    def test_every_grid_ends_with_the_present_and_is_even(self, node, period):
        now = NOW + timedelta(hours=5, minutes=17, seconds=3)
        report(node, now.replace(second=0))
        shown = read(node, period.key, now)
        newest = shown.since + (period.values - 1) * period.step
        assert newest <= now < newest + period.step
        assert line(shown, "cpu")[-1] == 50.0
        assert shown.newest_samples == 1

    def test_what_no_gpu_measures_has_no_chart(self, node):
        report(node, NOW, gpus=[protocol.GpuSample(index=0, load=0.5)])
        assert [chart.key for chart in read(node, "1h").charts] == ["cpu", "ram", "network", "load"]

    def test_a_node_without_a_gpu_has_charts_of_the_machine(self, wanda):
        worker = builders.worker(owner=wanda)
        report(worker, NOW, gpus=[])
        assert [chart.key for chart in read(worker, "1h").charts] == ["cpu", "ram", "network"]

    def test_a_year_takes_three_queries(self, node, django_assert_num_queries):
        report(node, NOW)
        worker = Worker.objects.prefetch_related("gpus").get(pk=node.pk)
        with django_assert_num_queries(3):
            charts.read(worker, BY_KEY["1y"], now=NOW)


class ChartsPageTests:
    def url(self, node: Worker) -> str:
        return reverse("workers:worker-charts", args=[node.pk])

    def test_it_says_the_same_without_a_script(self, signed_in, wanda, node):
        report(node, clock.now() - 2 * MINUTE, load=0.43)
        text = signed_in(wanda).get(self.url(node)).text
        assert "43 %" in text
        assert "It reported for 1 min in the last 24 hours." in text

    def test_a_node_that_has_just_come_is_waited_for(self, signed_in, wanda, node):
        assert "Its first minute in the last 24 hours is not over yet." in signed_in(wanda).get(self.url(node)).text

    def test_a_young_node_shows_its_last_hour(self, signed_in, wanda, node):
        Worker.objects.filter(pk=node.pk).update(created_at=clock.now() - HOUR)
        report(node, clock.now() - 2 * MINUTE)
        assert "in the last hour." in signed_in(wanda).get(self.url(node)).text

    def test_a_node_that_never_reported_says_so(self, signed_in, wanda, node):
        Worker.objects.filter(pk=node.pk).update(connected_at=None)
        text = signed_in(wanda).get(self.url(node), {"period": "1y"}).text
        assert "It reported nothing in the last year." in text
        assert "worker-figures" not in text

    def test_the_part_is_the_charts_alone(self, signed_in, wanda, node):
        text = signed_in(wanda).get(self.url(node), {"part": "charts", "period": "7d"}).text
        assert text.strip().startswith('<section id="worker-charts"')

    def test_nobody_elses_node_is_shown(self, signed_in, mallory, node):
        assert signed_in(mallory).get(self.url(node)).status_code == 404

    @pytest.mark.parametrize("period", ["", "2h", "1h' OR 1=1", "7d"])
    def test_a_period_that_does_not_exist_is_a_day(self, signed_in, wanda, node, period):
        assert signed_in(wanda).get(self.url(node), {"period": period}).status_code == 200

    def test_its_page_is_opened_with_few_queries(self, signed_in, wanda, node, django_assert_max_num_queries):
        report(node, clock.now() - 2 * MINUTE)
        browser = signed_in(wanda)
        with django_assert_max_num_queries(12):
            browser.get(self.url(node), {"period": "30d"})

    def test_a_model_with_markup_is_shown_as_it_is(self, signed_in, wanda, node):
        report(node, clock.now() - MINUTE)
        Worker.objects.filter(pk=node.pk).update(name="<script>alert(1)</script>")
        assert "<script>alert" not in signed_in(wanda).get(self.url(node)).text


def test_the_first_moment_of_a_day_belongs_to_it(wanda):
    worker = builders.worker(owner=wanda)
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    WorkerMinute.objects.create(
        worker_id=worker.pk, minute_at=midnight, samples=1, cpu_load_sum=1, gpu_load_sum=0, ram_used_bytes_max=0,
        gpu_celsius_max=0, network_down_bytes=0, network_up_bytes=0,
    )  # fmt: skip
    assert line(read(worker, "1y", midnight + HOUR), "cpu")[-2:] == [None, 100.0]
