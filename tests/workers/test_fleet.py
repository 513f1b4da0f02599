"""Many nodes of one owner: searched, ordered, as a file, and paused or resumed at once."""

import csv
from datetime import timedelta
from io import StringIO

import pytest
from django.urls import reverse

from common import clock
from tests.workers import builders
from tests.workers.builders import enqueue, feed, lease
from workers import services
from workers.models import Lease, Worker, WorkerEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def nodes(wanda) -> dict[str, Worker]:
    """Four nodes of wanda, made one after the other."""
    rows = [("attic one", "online"), ("attic two", "paused"), ("cellar", "offline"), ("barn", "retired")]
    made = {name: builders.worker(owner=wanda, name=name, status=status) for name, status in rows}
    for number, node in enumerate(made.values()):
        Worker.objects.filter(pk=node.pk).update(created_at=clock.now() - timedelta(days=10 - number))
    return made


@pytest.fixture
def listed(signed_in, wanda, nodes):
    """The names in the list that an address asks for."""

    def ask(**query) -> list[str]:
        answer = signed_in(wanda).get(reverse("workers:worker-list"), query)
        return [row.worker.name for row in answer.context["rows"]]

    return ask


def statuses() -> dict[str, str]:
    return dict(Worker.objects.values_list("name", "status"))


class FindingTests:
    def test_words_in_any_order_find_names(self, listed):
        assert listed(q="ATTIC") == ["attic one", "attic two"]
        assert listed(q="two att") == ["attic two"]

    def test_a_status_filters(self, listed):
        assert listed(status="paused") == ["attic two"]
        assert listed(status="retired") == ["barn"]

    @pytest.mark.parametrize(
        ("sort", "names"),
        [
            ("name", ["attic one", "attic two", "cellar"]),
            ("status", ["attic one", "attic two", "cellar"]),
            ("-created", ["cellar", "attic two", "attic one"]),
            ("nonsense", ["attic one", "attic two", "cellar"]),
        ],
    )
    def test_an_order_is_chosen(self, listed, sort, names):
        assert listed(sort=sort) == names

    def test_the_last_change_comes_first(self, listed, nodes):
        now = clock.now()
        services.resume_worker(nodes["attic two"], now=now - timedelta(hours=1))
        services.pause_worker(nodes["cellar"], now=now)
        assert listed(sort="-changed") == ["cellar", "attic two", "attic one"]

    def test_nothing_found_is_said(self, signed_in, wanda, nodes):
        assert "No node fits" in signed_in(wanda).get(reverse("workers:worker-list"), {"q": "loft"}).text

    def test_the_next_page_keeps_what_was_asked(self, signed_in, wanda, nodes):
        for number in range(30):
            builders.worker(owner=wanda, name=f"rack {number:02}")
        answer = signed_in(wanda).get(reverse("workers:worker-list"), {"q": "rack", "sort": "-created"})
        assert "?q=rack&amp;sort=-created&amp;page=2" in answer.text

    @pytest.mark.parametrize("sort", ["name", "status", "-created", "-changed"])
    def test_a_thousand_nodes_take_as_many_queries_as_one(self, signed_in, wanda, sort, django_assert_max_num_queries):
        builders.worker(owner=wanda, name="first")
        rows = [Worker(owner=wanda, name=f"rack {number}", status="online") for number in range(999)]
        Worker.objects.bulk_create(rows)
        browser = signed_in(wanda)
        with django_assert_max_num_queries(12):
            browser.get(reverse("workers:worker-list"), {"rows": "1", "sort": sort, "q": "r"})


class FileTests:
    def read(self, browser, **query) -> list[list[str]]:
        answer = browser.get(reverse("workers:worker-csv"), query)
        assert answer["Content-Disposition"] == 'attachment; filename="nodes.csv"'
        return list(csv.reader(StringIO(answer.getvalue().decode())))

    def test_the_list_is_a_file(self, signed_in, wanda, nodes):
        enqueue(1)
        feed()
        rows = self.read(signed_in(wanda), q="attic")
        assert rows[0][:3] == ["node", "status", "doing"]
        assert rows[1][:3] == ["attic one", "Online, rendering", "Toy 1"]
        assert rows[2][:3] == ["attic two", "Paused", "Paused by its owner."]

    def test_a_name_is_no_formula(self, signed_in, wanda):
        builders.worker(owner=wanda, name="=1+1")
        assert self.read(signed_in(wanda))[1][0] == "'=1+1"

    def test_a_thousand_nodes_are_read_in_few_queries(self, signed_in, wanda, django_assert_max_num_queries):
        Worker.objects.bulk_create(Worker(owner=wanda, name=f"rack {number}", status="online") for number in range(1_000))
        browser = signed_in(wanda)
        with django_assert_max_num_queries(60):
            assert len(self.read(browser)) == 1_001

    def test_only_own_nodes_are_in_it(self, signed_in, nodes, mallory):
        assert len(self.read(signed_in(mallory))) == 1


class ManyTests:
    @pytest.fixture
    def send(self, signed_in, wanda):
        def post(verb: str, *chosen: Worker, by=wanda, **fields):
            row = {"verb": verb, "which": "chosen", "node": [node.pk for node in chosen]} | fields
            return signed_in(by).post(reverse("workers:worker-bulk"), row, follow=True)

        return post

    def test_it_asks_first_and_says_what_happens_to_the_money(self, send, nodes):
        text = send("stop", nodes["attic one"], nodes["barn"]).text
        assert "Pause 1 node now?" in text
        assert "unpaid; its creators pay nothing for it" in text
        assert "1 other of the chosen ones stays as it is" in text
        assert statuses()["attic one"] == "online"

    def test_the_chosen_ones_are_paused_and_resumed(self, send, nodes):
        assert "2 nodes paused." in send("pause", *nodes.values(), confirmed="1").text
        assert statuses() == {"attic one": "paused", "attic two": "paused", "cellar": "paused", "barn": "retired"}
        Worker.objects.filter(name="cellar").update(connected_at=None)
        assert "3 nodes resumed." in send("resume", *nodes.values(), confirmed="1").text
        assert statuses() == {"attic one": "online", "attic two": "online", "cellar": "offline", "barn": "retired"}

    def test_pausing_keeps_what_runs_and_pausing_now_gives_it_back(self, send, nodes):
        enqueue(1, 2)
        feed()
        send("pause", nodes["attic one"], confirmed="1")
        assert list(Lease.objects.values_list("work__reference", flat=True)) == [1]
        send("stop", nodes["attic one"], confirmed="1")
        assert not Lease.objects.exists()

    def test_stopping_stopped_nodes_again_writes_nothing(self, send, nodes):
        for _ in range(3):
            send("stop", *nodes.values(), confirmed="1")
        assert WorkerEvent.objects.filter(kind="stopped").count() == 2  # attic two was paused before, and held nothing
        services.stop_worker(Worker.objects.get(name="cellar"), now=clock.now())
        assert WorkerEvent.objects.filter(kind="stopped").count() == 2

    def test_a_paused_node_that_still_works_can_be_stopped_and_says_so(self, send, nodes):
        enqueue(1)
        feed()
        send("pause", nodes["attic one"], confirmed="1")
        assert "Pause 1 node now?" in send("stop", nodes["attic one"], nodes["attic two"]).text
        assert "1 node paused." in send("stop", nodes["attic one"], nodes["attic two"], confirmed="1").text
        assert WorkerEvent.objects.get(kind="stopped").worker == nodes["attic one"]

    def test_many_verbs_in_a_short_time_are_one_too_many(self, send, nodes):
        assert [send("pause", nodes["cellar"]).status_code for _ in range(61)] == [200] * 60 + [429]

    def test_all_that_are_listed_are_meant_wherever_they_stand(self, send, nodes, wanda):
        for number in range(30):
            builders.worker(owner=wanda, name=f"rack {number:02}")
        asked = send("pause", which="all", q="rack")
        assert "Pause 30 nodes?" in asked.text
        assert "and 10 more" in asked.text
        assert "30 nodes paused." in send("pause", which="all", q="rack", confirmed="1").text
        assert statuses()["attic one"] == "online"

    def test_nobody_else_s_nodes_are_touched(self, send, nodes, mallory):
        assert "0 nodes paused." in send("pause", *nodes.values(), by=mallory, confirmed="1").text
        assert statuses()["attic one"] == "online"

    @pytest.mark.parametrize("fields", [{}, {"node": "x"}, {"verb": "retire", "node": "1"}, {"which": "none"}])
    def test_nonsense_is_answered_with_what_to_do(self, send, nodes, fields):
        row = {"verb": "pause"} | fields
        assert "Tick the nodes first" in send(row.pop("verb"), **row).text

    def test_a_thousand_nodes_are_paused_in_few_queries(self, wanda, django_assert_max_num_queries):
        rows = [Worker(owner=wanda, name=f"rack {n}", status="online", connected_at=clock.now()) for n in range(1_000)]
        Worker.objects.bulk_create(rows)
        own = Worker.objects.owned_by(wanda)
        with django_assert_max_num_queries(12):
            assert services.pause_all(own, at_once=False, now=clock.now(), actor=wanda) == 1_000
        assert WorkerEvent.objects.filter(kind="paused", actor=wanda).count() == 1_000
        with django_assert_max_num_queries(12):
            assert services.resume_all(own, now=clock.now(), actor=wanda) == 1_000

    def test_work_that_came_back_goes_to_other_nodes(self, send, nodes):
        enqueue(1)
        feed()
        spare = builders.worker()
        send("stop", nodes["attic one"], confirmed="1")
        feed()
        assert lease(1).worker == spare
