"""The public figure, as the formula says and as the sweep keeps it; what grows without end is swept."""

from datetime import timedelta

import pytest

from common import clock
from tests.workers.builders import NOW, user, worker
from workers import events, misfits, nearness, reliability, services
from workers.models import Cached, Misfit, Tally, Worker, WorkerEvent

TODAY = NOW.date()


class FormulaTests:
    @pytest.mark.parametrize(("accepted", "failed", "bp"), [(0, 0, 9_500), (0, 1, 9_047), (180, 0, 9_950), (80, 20, 8_250)])
    def test_one_failure_among_few_weighs_little(self, accepted, failed, bp):
        assert reliability.reliability_bp(accepted, failed) == bp


@pytest.mark.django_db
class KeepTests:
    def test_the_sweep_keeps_what_the_formula_says(self):
        good, fresh = worker(), worker(reliability_bp=5_000)
        Tally.objects.create(worker=good, day_on=TODAY, tasks_accepted=80, tasks_failed=20)
        Tally.objects.create(worker=good, day_on=TODAY - timedelta(days=reliability.DAYS), tasks_failed=1_000)
        assert reliability.keep_all(today=TODAY) == 2
        figures = dict(Worker.objects.values_list("pk", "reliability_bp"))
        assert figures == {good.pk: reliability.reliability_bp(80, 20), fresh.pk: reliability.reliability_bp(0, 0)}
        assert reliability.keep_all(today=TODAY) == 0


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
