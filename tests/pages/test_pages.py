"""Every page of the shell, for every person: it opens, it is true, it asks the database a bounded number of questions."""

import re

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from common.lately import Lately
from credit import services as credit
from pictor import errors
from rendering.services.watching import share_job
from tests.builders import NOW, feed, make_job, make_user, make_worker
from workers.states import WorkerStatus

pytestmark = pytest.mark.django_db
PAGES = ["home", "renting:overview", "checkers:overview", "rewards:overview", "leaderboard:overview"]
PEOPLE = ["alice", "wanda", "chen", "sam", "mallory"]
QUERIES_MAX = 12


@pytest.fixture
def network(alice, wanda):
    """A completed job, one at work, one that waits for its creator; nodes online, offline and new."""
    worker = make_worker(wanda, name="atelier")
    credit.grant_promotion(user=alice, amount_micros=10_000_000, key="test:network")
    make_job(alice, status="completed", name="Atrium", worker=worker)
    make_job(alice, status="ready", name="Teapot")
    make_job(alice, status="rendering", name="Carousel", worker=worker)
    make_worker(wanda, name="cellar", status=WorkerStatus.OFFLINE, connected_at=None)
    make_worker(wanda, name="fresh", status=WorkerStatus.NEW, connected_at=None)
    worker.gpus.create(index=0, model="Test GPU", vram_bytes=24 * 1024**3)
    return worker


def text_of(response) -> str:
    """Words of the page's main part, tags and runs of space taken out."""
    main = response.content.decode().split('<main id="main"', 1)[1].split("</main>", 1)[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main))


class EveryPageTests:
    @pytest.mark.parametrize("page", PAGES)
    @pytest.mark.parametrize("name", PEOPLE)
    def test_everybody_signed_in_may_open_it(self, page, name, request, signed_in, network):
        response = signed_in(request.getfixturevalue(name)).get(reverse(page))
        assert response.status_code == 200
        assert "{{" not in response.content.decode()

    @pytest.mark.parametrize("page", PAGES)
    def test_it_opens_before_anything_has_happened(self, page, signed_in, mallory):
        assert signed_in(mallory).get(reverse(page)).status_code == 200

    @pytest.mark.parametrize("page", PAGES)
    def test_a_visitor_is_sent_to_sign_in(self, page, client):
        response = client.get(reverse(page))
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("users:sign-in"))

    @pytest.mark.parametrize("page", PAGES)
    @pytest.mark.parametrize("name", PEOPLE)
    def test_it_asks_a_bounded_number_of_questions(
        self, page, name, request, signed_in, network, django_assert_max_num_queries
    ):
        browser = signed_in(request.getfixturevalue(name))
        browser.get(reverse(page))  # sums over the network are kept for a minute, and made again by a sweep
        with django_assert_max_num_queries(QUERIES_MAX):
            browser.get(reverse(page))

    @pytest.mark.parametrize("page", PAGES)
    def test_nothing_in_it_is_inline(self, page, signed_in, alice, network):
        markup = signed_in(alice).get(reverse(page)).content.decode()
        assert not re.search(r"\sstyle=|<style|<script>|\sonclick=", markup)

    @pytest.mark.parametrize("page", PAGES)
    def test_its_ids_are_unique_and_it_has_one_heading(self, page, signed_in, alice, network):
        markup = signed_in(alice).get(reverse(page)).content.decode()
        ids = re.findall(r'\sid="([^"]+)"', markup)
        assert len(ids) == len(set(ids))
        assert markup.count("<h1") == 1


class ListsAndDetailsTests:
    """The pages of apps, asked by one who has jobs and nodes at once: work that runs, waits, is ready, has ended."""

    @pytest.fixture
    def addresses(self, alice, network) -> dict[str, str]:
        network.owner, network.public_key = alice, b"k" * 32
        network.save()
        make_worker(alice, name="idle", public_key=b"i" * 32)
        jobs = {job.name: job for job in alice.jobs.all()}
        waiting = make_job(alice, status="queued", name="Waiting")
        share_job(jobs["Atrium"], "unlisted")
        running, done, ready = jobs["Carousel"], jobs["Atrium"], jobs["Teapot"]
        frame = reverse("rendering:frame-detail", args=[done.pk, done.tasks.earliest("frame").frame])
        return {
            "home": reverse("home"),
            "job list": reverse("rendering:job-list"),
            "filtered job list": reverse("rendering:job-list") + "?status=rendering&q=car&sort=name",
            "running job": running.get_absolute_url(),
            "waiting job": waiting.get_absolute_url(),
            "finished job": done.get_absolute_url(),
            "job settings": reverse("rendering:job-settings", args=[ready.pk]),
            "job again": reverse("rendering:job-again", args=[done.pk]),
            "frame": frame,
            "watch": reverse("rendering:watch", args=[done.watch_link.token]),
            "new job": reverse("rendering:job-new"),
            "scene list": reverse("rendering:scene-list"),
            "scene": reverse("rendering:scene-detail", args=[done.scene_id]),
            "node list": reverse("workers:worker-list"),
            "busy node": network.get_absolute_url(),
            "idle node": alice.workers.get(name="idle").get_absolute_url(),
            "node reliability": reverse("workers:worker-reliability", args=[network.pk]),
            "node location": reverse("workers:worker-location", args=[network.pk]),
            "credit": reverse("credit:overview"),
            "profile": reverse("users:profile"),
        }

    def test_each_asks_a_bounded_number_of_questions(self, addresses, signed_in, alice):
        browser, asked = signed_in(alice), {}
        for name, address in addresses.items():
            with CaptureQueriesContext(connection) as queries:
                assert browser.get(address).status_code == 200, name
            asked[name] = len(queries)
        assert {name: count for name, count in asked.items() if count > QUERIES_MAX} == {}

    def test_so_does_every_list_of_the_console(self, addresses, signed_in, sam):
        sam.is_superuser = True
        sam.save()
        browser, asked = signed_in(sam), {}
        for model in admin.site._registry:
            with CaptureQueriesContext(connection) as queries:
                assert browser.get(reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist")).status_code == 200
            asked[model._meta.label_lower] = len(queries)
        assert {name: count for name, count in asked.items() if count > QUERIES_MAX} == {}


class ShellTests:
    def test_the_section_one_is_in_is_marked(self, signed_in, alice):
        markup = signed_in(alice).get(reverse("rewards:overview")).content.decode()
        assert f'href="{reverse("rewards:overview")}" aria-current="page"' in markup
        assert f'href="{reverse("home")}" aria-current="page"' not in markup

    def test_the_sidebar_counts_what_is_at_work(self, signed_in, alice, network):
        feed()
        markup = signed_in(alice).get(reverse("home")).content.decode()
        assert 'title="running">1<' in markup

    def test_the_sidebar_counts_a_large_network_once_in_a_while(self, signed_in, alice, wanda, network, monkeypatch):
        monkeypatch.setattr("pictor.context.COUNTED_ANEW", 0)
        monkeypatch.setattr("pictor.context.nodes_online", Lately())
        browser = signed_in(wanda)
        for name in ("attic", "barn"):
            markup = browser.get(reverse("home")).content.decode()
            assert "1 node online" in markup
            make_worker(wanda, name=name)
        assert 'title="connected">2<' in markup  # what is one's own is always as it is

    def test_the_header_shows_the_credit_at_hand(self, signed_in, chen):
        credit.grant_promotion(user=chen, amount_micros=12_340_000, key="test:chen")
        assert "<b>12.34</b>" in signed_in(chen).get(reverse("home")).content.decode()

    def test_the_pill_can_be_asked_for_alone_and_says_when_it_is_the_same(self, signed_in, chen):
        browser = signed_in(chen)
        first = browser.get(reverse("credit-pill"))
        assert "<html" not in first.content.decode()
        assert browser.get(reverse("credit-pill"), headers={"If-None-Match": first["ETag"]}).status_code == 304

    def test_operators_find_their_console_and_others_do_not(self, signed_in, sam, alice):
        assert reverse("admin:index") in signed_in(sam).get(reverse("home")).content.decode()
        assert reverse("admin:index") not in signed_in(alice).get(reverse("home")).content.decode()


class HomeTests:
    def test_a_newcomer_is_led_to_the_first_upload_and_the_first_node(self, signed_in, mallory):
        words = text_of(signed_in(mallory).get(reverse("home")))
        assert "Upload a .blend" in words
        assert "Name a node" in words
        assert "Needs you" not in words

    def test_the_next_step_follows_what_is_done(self, signed_in, alice):
        make_job(alice, status="ready")
        markup = signed_in(alice).get(reverse("home")).content.decode()
        assert markup.count('class="is-next"') == 2
        assert "Done:" in markup

    def test_steps_that_are_all_done_leave(self, signed_in, alice, network):
        assert "Watch the first frame arrive" not in text_of(signed_in(alice).get(reverse("home")))

    def test_a_job_that_waits_for_its_creator_is_named(self, signed_in, alice, network):
        assert "Teapot is ready." in text_of(signed_in(alice).get(reverse("home")))

    def test_a_node_that_is_offline_is_named_to_its_owner_alone(self, signed_in, alice, wanda, network):
        assert "cellar is offline." in text_of(signed_in(wanda).get(reverse("home")))
        assert "cellar" not in text_of(signed_in(alice).get(reverse("home")))

    def test_the_newest_frame_follows_every_job_at_work(self, signed_in, alice, network):
        job = alice.jobs.get(status="rendering")
        markup = signed_in(alice).get(reverse("home")).content.decode()
        assert f'aria-label="Newest frame" data-live="user:{alice.pk} job:{job.pk}"' in markup

    def test_the_newest_frame_is_large(self, signed_in, alice, network):
        assert 'class="hero-picture"' in signed_in(alice).get(reverse("home")).content.decode()

    @pytest.mark.parametrize("part", ["stats", "attention", "jobs", "newest", "nodes"])
    def test_each_live_part_answers_alone_and_304_when_nothing_changed(self, part, signed_in, alice, network):
        browser = signed_in(alice)
        first = browser.get(reverse("home-part", args=[part]))
        assert f'id="home-{part}"' in first.content.decode()
        assert "csrf" not in first.content.decode()
        again = browser.get(reverse("home-part", args=[part]), headers={"If-None-Match": first["ETag"]})
        assert again.status_code == 304

    def test_there_are_no_other_parts(self, signed_in, alice):
        assert signed_in(alice).get(reverse("home-part", args=["secrets"])).status_code == 404


class NumbersTests:
    def test_the_network_counts_accepted_frames_jobs_and_nodes(self, signed_in, mallory, network):
        context = signed_in(mallory).get(reverse("leaderboard:overview")).context
        assert context["frames"]["all"] == 3
        assert context["jobs"]["all"] == 2
        assert context["nodes"] == {"all": 2, "online": 1, "cores": 8}
        assert context["own"] == {"ordered": 0, "rendered": 0, "earned_micros": 0, "nodes": 0}

    def test_the_network_names_no_person_and_no_node(self, signed_in, mallory, network):
        words = text_of(signed_in(mallory).get(reverse("leaderboard:overview")))
        assert not any(name in words for name in ("atelier", "cellar", "Alice", "Wanda", "Carousel"))

    def test_every_accepted_frame_was_checked(self, signed_in, alice, network):
        context = signed_in(alice).get(reverse("checkers:overview")).context
        assert (context["checked"], context["refused"], context["own_ordered"]) == (3, 0, 3)

    def test_the_checkers_share_is_what_the_ledger_says(self, signed_in, alice, network):
        charged = sum(alice.jobs.values_list("charged_micros", flat=True))
        pool = signed_in(alice).get(reverse("checkers:overview")).context["pool_micros"]
        assert 0 < pool <= charged // 10 + 3

    def test_an_owner_sees_what_the_nodes_earned(self, signed_in, wanda, network):
        context = signed_in(wanda).get(reverse("rewards:overview")).context
        assert context["rendered"] == 3
        assert context["earned_micros"] == sum(earning.amount_micros for earning in context["earnings"])

    def test_time_online_is_the_sum_of_the_shifts(self, signed_in, wanda):
        worker = make_worker(wanda)
        worker.shifts.create(epoch=1, started_at=NOW, ended_at=NOW.replace(hour=14))
        assert signed_in(wanda).get(reverse("rewards:overview")).context["online_seconds"] == 7200

    def test_gpus_that_are_connected_are_listed_for_renting(self, signed_in, alice, network):
        context = signed_in(alice).get(reverse("renting:overview")).context
        assert (context["gpu_count"], context["models"][0]["model"]) == (1, "Test GPU")


class StyleGuideTests:
    def test_it_shows_every_component_to_staff(self, signed_in, sam):
        assert signed_in(sam).get(reverse("styleguide")).status_code == 200

    def test_others_are_sent_away(self, signed_in, alice):
        assert signed_in(alice).get(reverse("styleguide")).status_code == 302


class ErrorPageTests:
    def test_a_missing_page_keeps_the_shell_for_those_signed_in(self, signed_in, alice):
        response = signed_in(alice).get("/nothing/here/")
        assert response.status_code == 404
        assert 'id="sidebar"' in response.content.decode()

    def test_a_visitor_gets_the_public_page(self, client):
        response = client.get("/nothing/here/")
        assert response.status_code == 404
        assert 'id="sidebar"' not in response.content.decode()

    def test_a_form_that_expired_says_what_to_do(self, alice):
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(alice)
        response = browser.post(reverse("users:sign-out"))
        assert response.status_code == 403
        assert "The form had expired" in response.content.decode()

    def test_a_fault_of_ours_needs_neither_database_nor_templates(self, rf):
        response = errors.server_error(rf.get("/"))
        assert response.status_code == 500
        assert b"Something broke on our side" in response.content
        assert b"{%" not in response.content

    def test_the_words_for_each_refusal_differ(self, rf):
        request = rf.get("/")
        request.user = make_user("mallory")
        request.htmx = False
        titles = {
            view(request).content.decode().split("<h1>")[1].split("<")[0]
            for view in (errors.bad_request, errors.forbidden, errors.not_found)
        }
        assert len(titles) == 3
