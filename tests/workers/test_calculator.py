"""What a machine may earn before it is here: from what others earned, told only where no figure is one person's."""

from datetime import timedelta

import pytest
from django.urls import reverse

from common import clock
from tests.workers.builders import NOW, user, worker
from workers import market, services
from workers.calculator import month
from workers.models import Gpu, GpuDay, Shift, Worker

pytestmark = pytest.mark.django_db

GIB = 2**30
HOUR = timedelta(hours=1)


def at_work(
    *, model: str = "RTX 4090", gpus: int = 1, hours: float = 100, earned_micros: int = 1_000_000, now=NOW, **sums
) -> Worker:
    """A node of somebody new that was online for so long, until now. `says`: columns of it."""
    node = worker(owner=sums.pop("owner", None) or user(), **({"device": "OPTIX"} | sums.pop("says", {})))
    for index in range(gpus):
        Gpu.objects.create(worker=node, index=index, model=model, vram_bytes=24 * GIB)
    Shift.objects.create(worker=node, epoch=1, started_at=now - hours * HOUR)
    tasks = int(earned_micros > 0)
    services.tally_all(now.date(), [services.Sums(node.pk, tasks_accepted=tasks, earned_micros=earned_micros, **sums)])
    return node


def power(node: Worker, *, watts: int) -> None:
    """What its GPU drew today."""
    GpuDay.objects.create(
        worker_id=node.pk, gpu_index=0, day_on=NOW.date(), minutes=1, samples=10, load_sum=9, vram_used_bytes_max=1,
        celsius_max=60, watts_sum=10 * watts,
    )  # fmt: skip


class MeasureTests:
    def test_the_middle_half_of_the_owners_is_the_range(self):
        for tenths in (1, 2, 3, 4, 5):
            at_work(earned_micros=tenths * 10_000_000, busy_seconds=36_000.0)
        found = market.measure(now=NOW)["RTX 4090"]
        assert (found.low_hour_micros, found.high_hour_micros, found.nodes) == (200_000, 400_000, 5)
        assert found.busy == pytest.approx(0.1)

    def test_figures_of_fewer_than_three_owners_are_nobodys_business(self):
        owner = user()
        for _ in range(4):
            at_work(owner=owner)
        at_work()
        assert market.measure(now=NOW) == {}
        at_work()
        found = market.measure(now=NOW)["RTX 4090"]
        assert (found.owners, found.nodes) == (3, 6)

    def test_what_earned_without_being_proved_is_no_figure_of_the_model(self):
        for _ in range(3):
            at_work(says={"gpus_believed": False})
            at_work(says={"device": ""}, model="RTX 5090")
        found = market.measure(now=NOW)
        assert {model: each.owners for model, each in found.items()} == {"CPU": 3}

    def test_a_model_is_told_once_three_owners_did_accepted_work_on_it(self):
        """Accounts without work cannot write a line of their own on the public page."""
        for _ in range(3):
            at_work(model="H200, buy at shop.example", earned_micros=0)
        at_work(model="H200, buy at shop.example")
        assert market.measure(now=NOW) == {}

    def test_an_owner_of_many_nodes_counts_once(self):
        for _ in range(3):
            at_work(earned_micros=10_000_000, busy_seconds=360_000.0)
        idle = user()
        for _ in range(20):
            at_work(owner=idle, earned_micros=0)
        found = market.measure(now=NOW)["RTX 4090"]
        assert (found.low_hour_micros, found.high_hour_micros) == (75_000, 100_000)
        assert found.busy == pytest.approx(0.75)

    def test_the_nodes_of_one_owner_are_averaged(self):
        owner = user()
        for earned_micros in (0, 10_000_000, 20_000_000):
            at_work(owner=owner, earned_micros=earned_micros)
        for _ in range(2):
            at_work(earned_micros=10_000_000)
        found = market.measure(now=NOW)["RTX 4090"]
        assert (found.low_hour_micros, found.high_hour_micros) == (100_000, 100_000)

    def test_played_gpus_earn_nothing_that_is_told(self):
        for _ in range(3):
            at_work(says={"simulated": True})
        assert market.measure(now=NOW) == {}

    def test_a_gpu_that_blender_cannot_use_is_not_what_earned(self):
        for _ in range(3):
            at_work(says={"device": "CPU"})
        assert list(market.measure(now=NOW)) == [market.CPU]

    def test_no_more_models_are_told_than_a_list_can_hold_those_of_the_most_owners_first(self, monkeypatch):
        monkeypatch.setattr(market, "MODELS_MAX", 2)
        for model, owners in (("A 1", 3), ("B 2", 4), ("C 3", 5)):
            for _ in range(owners):
                at_work(model=model)
        assert list(market.measure(now=NOW)) == ["B 2", "C 3"]

    def test_earnings_of_several_gpus_are_divided_among_them(self):
        for _ in range(3):
            at_work(gpus=4, earned_micros=40_000_000)
        assert market.measure(now=NOW)["RTX 4090"].low_hour_micros == 100_000

    def test_a_node_with_gpus_of_two_models_says_nothing_of_either(self):
        for _ in range(3):
            Gpu.objects.create(worker=at_work(), index=7, model="RTX 3060", vram_bytes=12 * GIB)
        assert market.measure(now=NOW) == {}

    def test_a_node_without_a_gpu_counts_as_a_processor(self):
        for _ in range(3):
            at_work(gpus=0)
        assert list(market.measure(now=NOW)) == [market.CPU]

    def test_a_node_that_has_just_come_does_not_count(self):
        for _ in range(3):
            at_work(hours=2)
        assert market.measure(now=NOW) == {}

    def test_hours_without_work_lower_what_an_hour_earned(self):
        for _ in range(3):
            at_work(hours=400, earned_micros=40_000_000)
        assert market.measure(now=NOW)["RTX 4090"].high_hour_micros == 100_000

    def test_the_power_of_such_a_gpu_is_told_where_nodes_of_three_owners_measure_it(self):
        nodes = [at_work() for _ in range(3)]
        for node in nodes[:2]:
            power(node, watts=300)
        assert market.measure(now=NOW)["RTX 4090"].watts is None
        power(nodes[2], watts=600)
        assert market.measure(now=NOW)["RTX 4090"].watts == 400


class MonthTests:
    def test_what_is_left_is_the_range_less_the_power(self):
        found = month(
            low_hour_micros=100_000, high_hour_micros=200_000, busy=0.5, hours_a_day=10, busy_watts=400, idle_watts=100,
            kwh_micros=300_000,
        )  # fmt: skip
        assert (found.low_micros, found.high_micros) == (30_000_000, 60_000_000)
        assert found.energy_micros == 300_000 * (150 * 400 + 150 * 100) // 1_000
        assert (found.low_net_micros, found.high_net_micros) == (7_500_000, 37_500_000)

    def test_power_may_cost_more_than_it_brings_in(self):
        found = month(
            low_hour_micros=0, high_hour_micros=1, busy=1.0, hours_a_day=24, busy_watts=500, idle_watts=0, kwh_micros=300_000
        )
        assert found.low_net_micros < found.high_net_micros < 0


class PageTests:
    url = property(lambda self: reverse("workers:calculator"))

    def test_anybody_may_open_it_and_it_guesses_nothing(self, client):
        text = client.get(self.url).text
        assert "Too little has been measured yet" in text
        assert "kv" not in text

    def test_it_says_a_month_at_once_and_again_for_what_is_written(self, client):
        for _ in range(3):
            at_work(earned_micros=100_000_000, now=clock.now())
        assert client.get(self.url).context["month"].low_micros == pytest.approx(720_000_000, rel=1e-3)  # a credit an hour
        said = {"gpus": "2", "hours": "12", "kwh": "0", "model": "RTX 4090"}
        answer = client.get(self.url, said)
        assert answer.context["month"].high_micros == pytest.approx(720_000_000, rel=1e-3)

    @pytest.mark.parametrize(
        "said", [{"hours": "25"}, {"hours": "x"}, {"gpus": "-1"}, {"model": "RTX 9999"}, {"kwh": "1e9"}, {"busy_watts": "NaN"}]
    )
    def test_what_cannot_be_is_marked_and_nothing_is_calculated(self, client, said):
        for _ in range(3):
            at_work(now=clock.now())
        answer = client.get(self.url, said)
        assert answer.status_code == 200
        assert answer.context["month"] is None
        assert "field-errors" in answer.text

    def test_markup_in_the_name_of_a_gpu_is_words(self, client):
        for _ in range(3):
            at_work(model="</option><script>alert(1)</script>", now=clock.now())
        assert "<script>alert" not in client.get(self.url).text

    def test_its_figures_are_kept_for_a_while(self, client, django_assert_num_queries):
        client.get(self.url)
        with django_assert_num_queries(0):
            client.get(self.url)
