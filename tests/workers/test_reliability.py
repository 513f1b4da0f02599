"""The public figure, as the formula says; what grows without end is swept."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import clock
from tests.workers.builders import NOW, user, worker
from workers import events, misfits, nearness, services
from workers.models import Cached, Misfit, Worker, WorkerEvent
from workers.reliability import HOUR, Record, faded, parts_of, reliability_bp

TODAY = NOW.date()

counts = st.integers(0, 10_000)
seconds = st.integers(0, 10_000_000)


@st.composite
def records(draw) -> Record:
    """Anything that a node may have done."""
    offer, work = draw(seconds), draw(seconds)
    up = [draw(st.integers(0, most)) for most in (offer, work)]
    return Record(offer, up[0], work, up[1], *(draw(counts) for _ in range(4)))


class FormulaTests:
    @pytest.mark.parametrize(
        ("did", "bp"),
        [
            ({}, 6_000),  # new
            ({"offer_seconds": 72 * HOUR, "offer_up_seconds": 72 * HOUR}, 9_512),  # three days on offer
            ({"work_seconds": 24 * HOUR, "work_up_seconds": 24 * HOUR}, 9_512),  # or one at work
            ({"offer_seconds": 240 * HOUR, "offer_up_seconds": 120 * HOUR}, 5_040),
            ({"accepted": 180}, 6_000),
            ({"accepted": 80, "failed": 20}, 5_000),
            ({"accepted": 80, "left": 10, "unbegun": 10}, 5_000),
        ],
    )
    def test_worked_examples(self, did, bp):
        assert reliability_bp(Record(**did)) == bp

    @given(records())
    def test_it_lies_between_nothing_and_all(self, record):
        assert 0 <= reliability_bp(record) <= 10_000
        assert all(0 <= part <= 1 for part in parts_of(record))

    @given(records(), st.integers(1, 500))
    def test_accepted_tasks_never_lower_it(self, record, more):
        assert parts_of(record._replace(accepted=record.accepted + more)).whole >= parts_of(record).whole - 1e-12

    @given(records(), st.sampled_from(["failed", "left", "unbegun"]), st.integers(1, 500))
    def test_what_goes_wrong_never_raises_it(self, record, fact, more):
        after = record._replace(**{fact: getattr(record, fact) + more})
        assert parts_of(after).whole <= parts_of(record).whole + 1e-12

    @given(records(), st.sampled_from(["offer", "work"]), st.integers(1, 100_000))
    def test_time_online_never_lowers_it_and_time_away_never_raises_it(self, record, when, more):
        expected = record._replace(**{f"{when}_seconds": getattr(record, f"{when}_seconds") + more})
        online = expected._replace(**{f"{when}_up_seconds": getattr(record, f"{when}_up_seconds") + more})
        assert parts_of(online).whole >= parts_of(record).whole - 1e-12
        assert parts_of(expected).whole <= parts_of(record).whole + 1e-12

    @given(records())
    def test_a_day_counts_half_after_a_half_life(self, record):
        now = faded([(TODAY - timedelta(days=30), record), (TODAY, Record())], TODAY)
        assert now == pytest.approx([fact / 2 for fact in record])

    def test_of_a_node_that_did_nothing_for_years_as_little_is_known_as_of_a_new_one(self):
        long_ago = Record(*[1_000_000.0] * 8)
        assert reliability_bp(faded([(TODAY - timedelta(days=1_500), long_ago)], TODAY)) == 6_000


@pytest.mark.django_db
class SweepTests:
    def test_old_lines_go_and_new_ones_stay(self):
        node = worker()
        for age in (0, 89, 91):
            WorkerEvent.objects.create(worker=node, at=NOW - timedelta(days=age), kind="paused")
        assert events.drop_old(now=NOW) == 1
        assert WorkerEvent.objects.count() == 2

    def test_misfits_end(self):
        misfits.note_failure(worker().pk, "scene", title="Carousel", words="", now=NOW)
        assert misfits.drop_ended(now=NOW) == 0
        assert misfits.drop_ended(now=NOW + timedelta(days=1)) == 1
        assert not Misfit.objects.exists()

    def test_scenes_that_nobody_renders_are_forgotten(self):
        node = worker()
        nearness.remember([(node.pk, "scene"), (node.pk, "")], NOW)
        assert nearness.drop_unused(now=NOW) == 0
        assert nearness.drop_unused(now=NOW + timedelta(days=15)) == 1

    def test_a_scene_in_use_is_written_once_an_hour(self):
        node = worker()
        for minutes in (0, 30, 90):
            nearness.remember([(node.pk, "scene")], NOW + timedelta(minutes=minutes))
        assert Cached.objects.get().used_at == NOW + timedelta(minutes=90)


@pytest.mark.django_db
class PageTests:
    def test_an_owner_states_the_country(self, signed_in):
        owner = user()
        node = worker(owner=owner)
        browser = signed_in(owner)
        assert b"Germany" in browser.get(f"/workers/{node.pk}/location/").content
        assert browser.post(f"/workers/{node.pk}/location/", {"country": "DE"}).status_code == 302
        node.refresh_from_db()
        assert node.country == "DE"
        assert WorkerEvent.objects.filter(worker=node, kind="located", detail="Germany").count() == 1
        assert b"Germany" in browser.get(f"/workers/{node.pk}/").content

    def test_no_place_that_is_none(self, signed_in):
        owner = user()
        node = worker(owner=owner)
        assert signed_in(owner).post(f"/workers/{node.pk}/location/", {"country": "XX"}).status_code == 422

    def test_the_page_says_what_is_kept_from_the_node(self, signed_in):
        owner = user()
        node = worker(owner=owner)
        misfits.note_out_of_memory(node.pk, "scene", title="Carousel.blend", words="", now=clock.now())
        page = signed_in(owner).get(f"/workers/{node.pk}/").content.decode()
        assert "Kept from this node" in page
        assert "ran out of memory" in page

    def test_trust_is_an_operator_s_and_written_down(self):
        node = worker()
        services.trust_worker(node, trusted=True, now=NOW)
        services.trust_worker(node, trusted=True, now=NOW)
        assert Worker.objects.get(pk=node.pk).trusted
        assert WorkerEvent.objects.filter(kind="trusted").count() == 1
