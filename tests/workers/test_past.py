"""What a node did for all kinds of work: one list, page by page, nothing twice and nothing left out."""

import csv
from datetime import timedelta

import pytest
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.paging import Place
from tests.workers.builders import NOW, worker
from tests.workers.toy import Toy
from users.models import User
from workers import event_presentation, events, past
from workers.kinds import Made
from workers.models import Worker, WorkerEvent
from workers.past import Spot

pytestmark = pytest.mark.django_db

TWO_KINDS = {"toy": "tests.workers.toy.Toy", "other": "tests.workers.test_past.OtherToy"}


class OtherToy(Toy):
    """A second product with a past of its own."""

    made: dict[int, list] = {}


def made(number: int, *, minutes_ago: int = 0, **changes) -> Made:
    row = {"at": NOW - timedelta(minutes=minutes_ago), "number": number, "title": f"Toy {number}", "verdict": "Accepted"}
    return Made(**(row | {"tone": "ok"} | changes))


@pytest.fixture
def two_kinds(settings):
    settings.WORK_KINDS = "tests.workers.test_past.TWO_KINDS"
    yield
    OtherToy.made.clear()


def all_pages(node: Worker, size: int) -> list[list[tuple[str, int]]]:
    pages, older = [], None
    while True:
        page = past.page_of(node, older=older, size=size, viewer=node.owner)
        pages.append([(item.kind, item.made.number) for item in page.items])
        if (older := page.older) is None:
            return pages
        older = Spot.read(str(older))


class PageTests:
    def test_the_newest_come_first(self):
        node = worker()
        Toy.made[node.pk] = [made(1, minutes_ago=9), made(2), made(3, minutes_ago=4)]
        assert all_pages(node, 2) == [[("toy", 2), ("toy", 3)], [("toy", 1)]]

    def test_a_full_last_page_is_the_last(self):
        node = worker()
        Toy.made[node.pk] = [made(1), made(2)]
        assert past.page_of(node, older=None, size=2, viewer=node.owner).older is None

    @given(st.lists(st.integers(0, 3), max_size=9), st.lists(st.integers(0, 3), max_size=9), st.integers(1, 5))
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @pytest.mark.usefixtures("two_kinds")
    def test_over_all_pages_every_row_of_every_kind_comes_once_and_in_order(self, toys, others, size):
        """Also of leases of one moment, which all kinds may have."""
        node = Worker(pk=7, owner=User())
        Toy.made[7] = [made(n + 1, minutes_ago=minutes) for n, minutes in enumerate(toys)]
        OtherToy.made[7] = [made(n + 1, minutes_ago=minutes) for n, minutes in enumerate(others)]
        rows = [(row.at, "toy", row.number) for row in Toy.made[7]] + [
            (row.at, "other", row.number) for row in OtherToy.made[7]
        ]
        in_order = [(kind, number) for _, kind, number in sorted(rows, reverse=True)]
        assert [row for page in all_pages(node, size) for row in page] == in_order

    @pytest.mark.parametrize("text", ["", "x", "1-2", "1-2-TOY", "1-2-toy;drop", "99999999999999999999-1-toy", None])
    def test_a_place_that_is_none_is_the_beginning(self, text):
        assert Spot.read(text) is None

    def test_a_place_survives_an_address(self):
        spot = Spot("toy", Place(NOW + timedelta(microseconds=3), 12))
        assert Spot.read(str(spot)) == spot


class TasksPageTests:
    def url(self, node, name="worker-tasks") -> str:
        return reverse(f"workers:{name}", args=[node.pk])

    def test_it_says_verdict_reason_fault_and_pay(self, signed_in, wanda):
        node = worker(owner=wanda)
        Toy.made[node.pk] = [
            made(1, earned_micros=1_230_000, seconds=3.9),
            made(2, minutes_ago=1, verdict="Failed", tone="bad", words="Blender crashed.", fault="this node's"),
        ]
        text = signed_in(wanda).get(self.url(node)).text
        assert "1.23" in text
        assert "3.9 s" in text
        assert "Blender crashed. The fault is this node&#x27;s." in text

    def test_a_task_is_linked_only_where_its_product_gives_an_address(self, signed_in, wanda):
        node = worker(owner=wanda)
        Toy.made[node.pk] = [made(1), made(2, url="/proof/of/two/")]
        text = signed_in(wanda).get(self.url(node)).text
        assert '<a class="row-link" href="/proof/of/two/">Toy 2</a>' in text
        assert ">Toy 1</a>" not in text

    def test_markup_in_a_title_is_words(self, signed_in, wanda):
        node = worker(owner=wanda)
        Toy.made[node.pk] = [made(1, title="<img src=x onerror=alert(1)>")]
        assert "<img src=x" not in signed_in(wanda).get(self.url(node)).text

    def test_it_leads_to_the_next_page(self, signed_in, wanda):
        node = worker(owner=wanda)
        Toy.made[node.pk] = [made(n, minutes_ago=n) for n in range(1, 61)]
        browser = signed_in(wanda)
        first = browser.get(self.url(node))
        assert "?older=" in first.text
        second = browser.get(self.url(node), {"older": str(first.context["page"].older)})
        assert [item.made.number for item in second.context["page"].items] == list(range(26, 51))
        assert "Newest" in second.text

    def test_without_a_task_it_says_what_will_be_here(self, signed_in, wanda):
        assert "No task yet" in signed_in(wanda).get(self.url(worker(owner=wanda))).text

    def test_the_newest_come_alone_and_are_304_while_nothing_changes(self, signed_in, wanda):
        node = worker(owner=wanda)
        Toy.made[node.pk] = [made(1)]
        browser = signed_in(wanda)
        answer = browser.get(self.url(node), {"part": "newest"})
        assert answer.text.strip().startswith('<section id="worker-tasks"')
        again = browser.get(self.url(node), {"part": "newest"}, headers={"If-None-Match": answer["ETag"]})
        assert again.status_code == 304

    def test_the_file_has_all_of_it_and_no_formulas(self, signed_in, wanda, monkeypatch):
        monkeypatch.setattr(past, "CSV_BATCH", 2)
        node = worker(owner=wanda)
        Toy.made[node.pk] = [made(n, minutes_ago=n, title=f"=cmd{n}", earned_micros=n * 1_000_000) for n in range(1, 6)]
        lines = list(csv.reader(signed_in(wanda).get(self.url(node, "worker-tasks-csv")).getvalue().decode().splitlines()))
        assert [line[0] for line in lines[1:]] == [f"'=cmd{n}" for n in range(1, 6)]
        assert [line[6] for line in lines[1:]] == ["1.00", "2.00", "3.00", "4.00", "5.00"]

    def test_nobody_elses_tasks_are_shown(self, signed_in, mallory):
        for name in ("worker-tasks", "worker-tasks-csv"):
            assert signed_in(mallory).get(self.url(worker(), name)).status_code == 404


def happened(node: Worker, kind: str, *, minutes_ago: int = 0, detail: str = "") -> None:
    WorkerEvent.objects.create(worker=node, kind=kind, at=NOW - timedelta(minutes=minutes_ago), detail=detail)


class EventsPageTests:
    def url(self, node) -> str:
        return reverse("workers:worker-events", args=[node.pk])

    def test_events_are_told_by_subject(self, signed_in, wanda):
        node = worker(owner=wanda)
        happened(node, "lost")
        happened(node, "task-failed", detail="renderer_crashed")
        browser = signed_in(wanda)
        everything, work = (browser.get(self.url(node), {"subject": subject}).text for subject in ("", "work"))
        assert "Connection lost" in everything
        assert "renderer_crashed" in everything
        assert "Connection lost" not in work
        assert "renderer_crashed" in work

    def test_pages_follow_each_other_within_a_subject(self, signed_in, wanda):
        node = worker(owner=wanda)
        for n in range(60):
            happened(node, "lost", minutes_ago=n)
            happened(node, "paused", minutes_ago=n)
        browser = signed_in(wanda)
        first = browser.get(self.url(node), {"subject": "line"}).context["page"]
        second = browser.get(self.url(node), {"subject": "line", "older": str(first.older)}).context["page"]
        assert [len(first.moments), len(second.moments), second.older] == [50, 10, None]
        assert {moment.words for moment in second.moments} == {"Connection lost"}

    @pytest.mark.parametrize("subject", ["nothing", "line' OR 1=1", "<b>"])
    def test_a_subject_that_does_not_exist_is_all(self, signed_in, wanda, subject):
        node = worker(owner=wanda)
        happened(node, "lost")
        assert "Connection lost" in signed_in(wanda).get(self.url(node), {"subject": subject}).text

    def test_no_kind_belongs_to_two_subjects_and_each_exists(self):
        named = [kind for _, kinds in event_presentation.SUBJECTS.values() for kind in kinds]
        assert len(named) == len(set(named))
        assert set(named) | set(event_presentation.TONES) <= set(events.KINDS)
