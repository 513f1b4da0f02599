"""The card of a node's benchmark, and its owner's button."""

from datetime import timedelta

import pytest
from django.urls import reverse

from common import clock
from tests.workers import builders
from workers import benchmark_presentation, services
from workers.look import Look
from workers.models import BenchmarkRun, Work, Worker

pytestmark = pytest.mark.django_db
MODEL = "Test CPU, 8 cores"
FIGURES = {
    "canary_ms": 5_280,
    "challenge_ms": 1_300,
    "memory_bytes_per_second": 12 * 10**9,
    "disk_write_bytes_per_second": 10**9,
}


@pytest.fixture
def node(wanda) -> Worker:
    return builders.worker(owner=wanda, name="atelier", connected_at=clock.now() - timedelta(hours=1), score_milli=1_250)


def ran(node: Worker, **changes) -> BenchmarkRun:
    now = clock.now() - timedelta(hours=2)
    row = {"status": "passed", "believed": True, "created_at": now, "finished_at": now, "model": MODEL} | FIGURES
    return BenchmarkRun.objects.create(worker=node, **(row | changes))


def card(browser, node: Worker) -> str:
    return browser.get(reverse("workers:worker-benchmark", args=[node.pk]), {"part": "card"}).text


class CardTests:
    def test_before_the_first_one_it_says_when_it_comes(self, signed_in, wanda, node):
        assert "once it has been idle for ten minutes" in card(signed_in(wanda), node)

    def test_it_shows_score_and_parts(self, signed_in, wanda, node):
        ran(node)
        text = card(signed_in(wanda), node)
        for words in ("1.25 ×", "Passed", "5.3 s", "12.00 GB/s", "not measured", "Compared once there are 5 other nodes"):
            assert words in text

    def test_among_enough_of_its_model_it_has_its_place(self, node):
        run = ran(node)
        for number in range(10):
            other = builders.worker()
            ran(other, canary_ms=9_000, created_at=clock.now() - timedelta(days=9))
            ran(other, canary_ms=4_000 + 400 * number)
        ran(builders.worker(), model="another", canary_ms=1)
        ran(builders.worker(), believed=False, canary_ms=1)
        part = benchmark_presentation.benchmark_part(Look(node, clock.now()))
        assert part["benchmark_parts"][0].percent == 60, "of ten others the newest counts: six took longer"
        assert part["benchmark_parts"][0].words_with_place == "5.3 s, as good as 60 %"
        assert run.model in part["benchmark_peers"]

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"status": "refused", "reason": "wrong_product"}, "a product is wrong"),
            ({"status": "failed", "reason": "paused"}, "tries again by itself"),
            ({"status": "running"}, "as soon as it is free"),
            ({"believed": False}, "measured again before it counts"),
        ],
    )
    def test_it_says_how_the_last_run_ended(self, signed_in, wanda, node, changes, words):
        ran(node, **changes)
        assert words in card(signed_in(wanda), node)

    def test_the_page_around_it_has_the_form_of_its_button(self, signed_in, wanda, node):
        text = signed_in(wanda).get(reverse("workers:worker-benchmark", args=[node.pk])).text
        assert 'form="verb-benchmark"' in text
        assert 'id="verb-benchmark"' in text


class AgainTests:
    def again(self, browser, node):
        return browser.post(reverse("workers:worker-benchmark-again", args=[node.pk]), follow=True).text

    def test_its_owner_has_it_measured(self, signed_in, wanda, node):
        assert "It is measured as soon as it is free." in self.again(signed_in(wanda), node)
        assert Work.objects.get().kind == "benchmark"

    def test_the_button_says_again_only_of_what_was_measured(self, signed_in, wanda, node):
        assert "Measure it now" in card(signed_in(wanda), node)
        ran(node)
        assert "Measure it again" in card(signed_in(wanda), node)

    def test_not_twice_an_hour(self, signed_in, wanda, node):
        services.ask_for_benchmark(node, now=clock.now())
        BenchmarkRun.objects.update(status="failed")
        assert "within the last hour" in self.again(signed_in(wanda), node)
        assert Work.objects.count() == 1

    def test_a_closed_node_has_no_button_and_says_why(self, signed_in, wanda, node):
        Worker.objects.update(closed_by="schedule")
        assert "Measure it" not in card(signed_in(wanda), node)
        assert "while it is online and takes work" in self.again(signed_in(wanda), node)
