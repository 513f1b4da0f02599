"""What the pages say of a node's reliability and level."""

from datetime import timedelta

import pytest
from django.urls import reverse

from common import clock
from tests.workers import builders
from workers.models import ReliabilityDay, Worker
from workers.reliability import HOUR, Record
from workers.reliability_presentation import percent

pytestmark = pytest.mark.django_db


@pytest.fixture
def node(wanda) -> Worker:
    return builders.worker(
        owner=wanda,
        name="atelier-4090",
        level="self_tested",
        hardware_at=clock.now() - timedelta(hours=80),
        reliability_bp=9_312,
    )


def day(node: Worker, *, days_ago: int = 0, known_accepted: int = 0, **record) -> None:
    faded = {f"faded_{fact}": value for fact, value in Record(**record)._asdict().items()}
    day_on = clock.now().date() - timedelta(days=days_ago)
    known = {"known_up_seconds": record.get("offer_up_seconds", 0), "known_accepted": known_accepted}
    ReliabilityDay.objects.create(worker=node, day_on=day_on, **faded, **known)


def card(browser, node: Worker) -> str:
    return browser.get(reverse("workers:worker-reliability", args=[node.pk]), {"part": "card"}).text


class CardTests:
    def test_a_new_node_is_told_that_it_is_new(self, signed_in, wanda):
        text = card(signed_in(wanda), builders.worker(owner=wanda))
        assert "60 %" in text
        assert "New: it starts at 60 %" in text
        assert "not seen online yet" in text
        assert "For Self-tested it lacks" in text
        assert "its agent signs on for the first time" in text

    def test_the_parts_are_said_with_what_they_rest_on(self, signed_in, wanda, node):
        did = {
            "offer_seconds": 98 * HOUR,
            "offer_up_seconds": 97.1 * HOUR,
            "work_seconds": 12 * HOUR,
            "work_up_seconds": 12 * HOUR,
        }
        day(node, **did, accepted=26, failed=1, left=0.5, unbegun=2)
        text = card(signed_in(wanda), node)
        assert "online 97.1 of 98.0 hours on offer, 12.0 of 12.0 hours at work" in text
        assert "27.5 of 29.5 tasks begun" in text
        assert "26 of 27.5 tasks accepted, 1 failed, 0.5 left in the middle" in text
        assert "93.1 %" in text

    def test_what_the_next_level_asks_for_is_named_with_how_far_the_node_is(self, signed_in, wanda, node):
        day(node, offer_seconds=80 * HOUR, offer_up_seconds=80 * HOUR, accepted=4, known_accepted=4)
        text = card(signed_in(wanda), node)
        assert "For Verified it lacks" in text
        assert "10 tasks accepted: 4 so far" in text
        assert "hours online" not in text.split("lacks")[1].split("</ul>")[0]

    def test_nothing_is_missing_for_the_last_level(self, signed_in, wanda):
        trusted = builders.worker(owner=wanda, trusted=True, level="trusted")
        assert "it lacks" not in card(signed_in(wanda), trusted)

    def test_its_history_is_drawn_and_told_in_a_table(self, signed_in, wanda, node):
        day(node, days_ago=1, offer_seconds=30 * HOUR, offer_up_seconds=30 * HOUR)
        day(node, offer_seconds=54 * HOUR, offer_up_seconds=54 * HOUR)
        day(node, days_ago=95)
        text = card(signed_in(wanda), node)
        assert 'id="worker-reliability-days"' in text
        assert "<td>90 %</td>" in text
        assert "<td>93.7 %</td>" in text
        assert text.count("<tr>") == 2

    def test_a_retired_node_keeps_its_figure(self, signed_in, wanda):
        gone = builders.worker(owner=wanda, status="retired", reliability_bp=9_740)
        assert "97.4 %" in card(signed_in(wanda), gone)

    @pytest.mark.parametrize(("share", "words"), [(1.0, "100 %"), (0.9999, "99.9 %"), (0.6, "60 %"), (0.951, "95.1 %")])
    def test_nearly_all_is_never_all(self, share, words):
        assert percent(share) == words


class PageTests:
    def test_the_node_s_page_has_the_figure_and_the_way_to_its_parts(self, signed_in, wanda, node):
        text = signed_in(wanda).get(node.get_absolute_url()).text
        assert "93.1 %" in text
        assert reverse("workers:worker-reliability", args=[node.pk]) in text

    def test_without_a_script_it_is_a_page(self, signed_in, wanda, node):
        page = signed_in(wanda).get(reverse("workers:worker-reliability", args=[node.pk])).text
        assert "How it is reckoned" in page
        assert "<h1" in page

    def test_an_unchanged_card_is_not_sent_again(self, signed_in, wanda, node):
        browser, url = signed_in(wanda), reverse("workers:worker-reliability", args=[node.pk]) + "?part=card"
        answer = browser.get(url)
        assert "csrfmiddlewaretoken" not in answer.text
        assert browser.get(url, headers={"If-None-Match": answer["ETag"]}).status_code == 304


class ListTests:
    def test_every_node_shows_its_level_and_reliability(self, signed_in, wanda, node):
        text = signed_in(wanda).get(reverse("workers:worker-list")).text
        assert "Self-tested" in text
        assert "93.1 %" in text

    def test_the_file_has_both(self, signed_in, wanda, node):
        answer = signed_in(wanda).get(reverse("workers:worker-csv"))
        assert "93.12,Self-tested," in answer.getvalue().decode()
