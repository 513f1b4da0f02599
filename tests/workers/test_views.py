"""The nodes' pages: who may see what, what they say, and what their verbs do."""

import re
import tomllib
from datetime import timedelta

import pytest
from django.urls import reverse

from common import clock
from pictor_agent import protocol
from tests.workers import builders
from tests.workers.builders import enqueue, feed, lease, report, work
from workers import enrolments, services
from workers.models import Enrolment, Shift, Tally, Worker, WorkerEvent
from workers.views import PARTS, VERBS

pytestmark = pytest.mark.django_db


@pytest.fixture
def node(wanda) -> Worker:
    return builders.worker(owner=wanda, name="atelier-4090", connected_at=clock.now())


def page(browser, name: str, *arguments, **query):
    return browser.get(reverse(f"workers:{name}", args=arguments), query)


class WorkerListTests:
    def test_without_a_node_it_says_how_to_add_one(self, signed_in, wanda):
        assert "No node yet" in page(signed_in(wanda), "worker-list").text

    def test_it_shows_own_nodes_only(self, signed_in, node, mallory):
        assert "atelier-4090" not in page(signed_in(mallory), "worker-list").text

    def test_a_node_at_work_shows_its_task(self, signed_in, wanda, node):
        enqueue(1)
        feed()
        text = page(signed_in(wanda), "worker-list").text
        assert "Toy 1" in text
        assert "Online, rendering" in text

    def test_an_idle_node_says_why(self, signed_in, wanda, node):
        assert "No work is waiting in the queue." in page(signed_in(wanda), "worker-list").text

    def test_earnings_of_today_are_shown(self, signed_in, wanda, node):
        services.tally_all(clock.now().date(), [services.Sums(node.pk, tasks_accepted=3, earned_micros=4_620_000)])
        assert "4.62" in page(signed_in(wanda), "worker-list").text

    def test_retired_nodes_are_folded_away(self, signed_in, wanda, node):
        builders.worker(owner=wanda, name="old", status="retired")
        text = page(signed_in(wanda), "worker-list").text
        assert "Show 1 retired node" in text
        assert "old" in page(signed_in(wanda), "worker-list", status="retired").text

    def test_uptime_counts_from_the_first_sign_on(self, signed_in, wanda, node):
        """Not from its making: a node may wait for days until somebody sets it up."""
        now = clock.now()
        Worker.objects.filter(pk=node.pk).update(created_at=now - timedelta(days=3))
        Shift.objects.create(worker=node, epoch=1, started_at=now - timedelta(hours=1))
        assert "100 %" in page(signed_in(wanda), "worker-list").text

    def test_the_list_follows_the_account_and_each_node(self, signed_in, wanda, node):
        assert f'data-live="user:{wanda.pk} worker:{node.pk}"' in page(signed_in(wanda), "worker-list").text

    def test_many_nodes_take_as_many_queries_as_one(self, signed_in, wanda, node, django_assert_max_num_queries):
        browser = signed_in(wanda)
        for _ in range(12):
            builders.worker(owner=wanda)
        enqueue(1, 2, 3)
        feed()
        with django_assert_max_num_queries(12):
            page(browser, "worker-list", rows="1")


class WorkerNewTests:
    def test_a_name_makes_a_node(self, signed_in, wanda):
        answer = signed_in(wanda).post(reverse("workers:worker-new"), {"name": "  attic   pc "})
        worker = Worker.objects.get(owner=wanda)
        assert (worker.name, worker.status) == ("attic pc", "new")
        assert answer.url == worker.get_absolute_url()

    def test_a_name_is_used_once(self, signed_in, wanda, node):
        answer = signed_in(wanda).post(reverse("workers:worker-new"), {"name": node.name})
        assert answer.status_code == 422
        assert "You have a node of this name already." in answer.text


class WorkerDetailTests:
    def test_nobody_else_may_open_it(self, signed_in, node, mallory):
        assert page(signed_in(mallory), "worker-detail", node.pk).status_code == 404

    def test_staff_may_look_without_verbs(self, signed_in, node, sam):
        answer = page(signed_in(sam), "worker-detail", node.pk)
        assert answer.status_code == 200
        assert "verb-pause" not in answer.text

    @pytest.mark.parametrize("part", PARTS)
    def test_every_part_answers_alone_and_is_304_while_nothing_changes(self, signed_in, wanda, node, part):
        browser = signed_in(wanda)
        url = reverse("workers:worker-part", args=[node.pk, part])
        answer = browser.get(url)
        assert f'id="worker-{part}"' in answer.text
        assert "csrfmiddlewaretoken" not in answer.text
        assert browser.get(url, headers={"If-None-Match": answer["ETag"]}).status_code == 304

    def test_an_unknown_part_is_not_found(self, signed_in, wanda, node):
        assert page(signed_in(wanda), "worker-part", node.pk, "secrets").status_code == 404

    def test_a_new_node_shows_the_next_step(self, signed_in, wanda):
        worker = services.create_worker(wanda, "attic", now=clock.now())
        browser = signed_in(wanda)
        assert "Make a new command" in page(browser, "worker-detail", worker.pk).text
        browser.post(reverse("workers:worker-config", args=[worker.pk]))
        text = page(browser, "worker-detail", worker.pk).text
        assert "Run the command on the machine that renders" in text
        assert "pictor-agent run --config attic.toml" in text

    def test_a_node_that_has_not_tried_itself_yet_shows_its_steps_above_its_page(self, signed_in, wanda):
        worker = builders.worker(owner=wanda, public_key=b"k" * 32, agent_version="1", device="OPTIX")
        browser = signed_in(wanda)
        text = page(browser, "worker-detail", worker.pk).text
        assert "GPU seen by Blender: OPTIX" in text
        assert "the agent fetches it by itself" in text
        assert "is-first" not in text  # the rest of the page is there too
        said = protocol.SelfTested(blender_versions=["5.0.1"], passed=False, words="no <b>device</b>")
        services.note_self_test(worker.pk, epoch=worker.connection_epoch, said=said)
        text = page(browser, "worker-detail", worker.pk).text
        assert "The self-test failed: no &lt;b&gt;device&lt;/b&gt;" in text
        assert 'id="setup-next">pictor-agent doctor<' in text

    def test_an_agent_that_has_just_been_started_again_takes_nothing_back(self, wanda):
        worker = builders.worker(owner=wanda, public_key=b"k" * 32)
        for said in (protocol.SelfTested(passed=True, words="0.1 s on CPU"), protocol.SelfTested(blender_versions=["5.0.1"])):
            services.note_self_test(worker.pk, epoch=worker.connection_epoch, said=said)
        assert (worker.self_test.passed, worker.self_test.words) == (True, "0.1 s on CPU")
        assert worker.self_test.blender_versions == ["5.0.1"]

    @pytest.mark.parametrize("how", ["passed", "accepted", "older agent"])
    def test_a_node_that_is_set_up_shows_no_steps(self, signed_in, wanda, how):
        protocol_version = protocol.SELF_TEST_SINCE - 1 if how == "older agent" else protocol.VERSION
        worker = builders.worker(owner=wanda, public_key=b"k" * 32, protocol=protocol_version)
        if how == "passed":
            services.note_self_test(worker.pk, epoch=worker.connection_epoch, said=protocol.SelfTested(passed=True))
        if how == "accepted":
            services.tally_all(clock.now().date(), [services.Sums(worker.pk, tasks_accepted=1)])
        assert "How far it is" not in page(signed_in(wanda), "worker-detail", worker.pk).text

    def test_a_node_without_a_sandbox_carries_a_warning(self, signed_in, wanda):
        open_node = builders.worker(owner=wanda, isolation="none", unsandboxed_allowed=True, public_key=b"k" * 32)
        assert "without isolation" in page(signed_in(wanda), "worker-detail", open_node.pk).text

    def test_running_and_next_task_are_shown(self, signed_in, wanda, node):
        enqueue(1, 2)
        feed()
        report(lease(1), protocol.Started)
        text = page(signed_in(wanda), "worker-detail", node.pk).text
        assert "the next task is already here" in text
        assert "Toy 2" in text

    def test_a_name_is_escaped(self, signed_in, wanda):
        evil = builders.worker(owner=wanda, name="<script>alert(1)</script>", hostname="<img src=x>")
        text = page(signed_in(wanda), "worker-detail", evil.pk).text
        assert "<script>alert" not in text
        assert "<img src=x>" not in text

    def test_uptime_and_earnings_are_drawn(self, signed_in, wanda, node):
        now = clock.now()
        Shift.objects.create(worker=node, epoch=1, started_at=now - timedelta(days=2), ended_at=now - timedelta(days=1))
        Tally.objects.create(worker=node, day_on=now.date(), tasks_accepted=1, earned_micros=1_000_000)
        text = page(signed_in(wanda), "worker-detail", node.pk).text
        assert "h online" in text
        assert 'id="worker-earnings"' in text


class ConfigTests:
    def test_a_configuration_file_is_shown_once_and_only_its_hash_is_kept(self, signed_in, wanda, node, settings):
        settings.LIVE_URL = "wss://live.example.org"
        answer = signed_in(wanda).post(reverse("workers:worker-config", args=[node.pk]))
        config = tomllib.loads(answer.text)
        assert (config["server_url"], config["worker_uid"], config["name"]) == ("wss://live.example.org", node.uid, node.name)
        assert answer["Content-Disposition"] == 'attachment; filename="atelier-4090.toml"'
        assert answer["Cache-Control"] == "no-store"
        assert config["token"] not in str(list(Enrolment.objects.values()))

    def code_on(self, browser, worker) -> str:
        """The one in the page's command; empty when there is none."""
        found = re.search(r"run --join (\S+?)<", page(browser, "worker-detail", worker.pk).text)
        return found[1] if found else ""

    def test_a_new_node_has_a_command_that_stays_until_it_is_used_and_is_kept_nowhere(self, signed_in, wanda, settings):
        browser = signed_in(wanda)
        browser.post(reverse("workers:worker-new"), {"name": "attic"})
        worker = Worker.objects.get()
        code = self.code_on(browser, worker)
        assert code == self.code_on(browser, worker)
        server_url, uid, token, _ = code.rsplit("/", 3)
        assert (server_url, uid) == (settings.LIVE_URL, worker.uid)
        assert token not in str([list(model.objects.values()) for model in (Enrolment, Worker, WorkerEvent)])
        assert enrolments.spend_token(worker, token, now=clock.now())
        assert self.code_on(browser, worker) == ""

    def test_a_newer_command_or_file_makes_the_one_before_worthless(self, signed_in, wanda, node):
        browser, address = signed_in(wanda), reverse("workers:worker-config", args=[node.pk])
        codes = []
        for fields in ({"to": "page"}, {"to": "page"}, {}):
            browser.post(address, fields)
            codes.append(self.code_on(browser, node))
        assert len(set(codes)) == 3
        tokens = [code.rsplit("/", 2)[1] for code in codes]
        assert [enrolments.spend_token(node, token, now=clock.now()) for token in tokens] == [False, False, True]

    def test_a_command_that_is_too_old_is_not_shown(self, signed_in, wanda, node):
        services.renew_enrolment(node, now=clock.now() - timedelta(hours=enrolments.ENROLMENT_HOURS))
        assert self.code_on(signed_in(wanda), node) == ""

    def test_an_operator_sees_the_node_and_not_its_command(self, signed_in, sam, node):
        services.renew_enrolment(node, now=clock.now())
        assert self.code_on(signed_in(sam), node) == ""

    def test_with_another_secret_there_is_no_command(self, signed_in, wanda, node, settings):
        services.renew_enrolment(node, now=clock.now())
        settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another" + "x" * 50
        assert self.code_on(signed_in(wanda), node) == ""

    def test_a_name_is_proposed(self, signed_in, wanda):
        builders.worker(owner=wanda, name="node-1")
        assert 'value="node-2"' in page(signed_in(wanda), "worker-new").text

    def test_a_strange_name_makes_a_valid_file(self, signed_in, wanda):
        odd = builders.worker(owner=wanda, name='a"b\\c/ü\x7f')
        answer = signed_in(wanda).post(reverse("workers:worker-config", args=[odd.pk]))
        assert tomllib.loads(answer.text)["name"] == 'a"b\\c/ü'
        assert answer["Content-Disposition"] == 'attachment; filename="a-b-c.toml"'

    def test_only_its_owner_gets_it(self, signed_in, node, mallory, sam):
        for person in (mallory, sam):
            assert signed_in(person).post(reverse("workers:worker-config", args=[node.pk])).status_code == 404


class VerbTests:
    def test_pause_resume_retire(self, signed_in, wanda, node):
        browser = signed_in(wanda)
        for verb, status in (("pause", "paused"), ("resume", "online"), ("stop", "paused"), ("retire", "retired")):
            browser.post(reverse(f"workers:worker-{verb}", args=[node.pk]))
            assert Worker.objects.get(pk=node.pk).status == status

    def test_pausing_keeps_what_runs_and_returns_what_is_next(self, signed_in, wanda, node):
        enqueue(1, 2)
        feed()
        signed_in(wanda).post(reverse("workers:worker-pause", args=[node.pk]))
        assert lease(1)
        assert node.leases.count() == 1

    def test_pausing_now_gives_back_what_runs_as_well(self, signed_in, wanda, node):
        enqueue(1, 2)
        feed()
        browser = signed_in(wanda)
        assert "Pause now…" in page(browser, "worker-detail", node.pk).text
        answer = browser.post(reverse("workers:worker-stop", args=[node.pk]), follow=True)
        assert "went back to the queue, unpaid" in answer.text
        assert not node.leases.exists()
        assert not work(1).leased

    def test_a_node_that_is_pausing_may_be_stopped_after_all(self, signed_in, wanda, node):
        enqueue(1)
        feed()
        browser = signed_in(wanda)
        browser.post(reverse("workers:worker-pause", args=[node.pk]))
        browser.post(reverse("workers:worker-stop", args=[node.pk]))
        assert not node.leases.exists()

    def test_a_picture_that_is_being_sent_is_kept_when_pausing_now(self, signed_in, wanda, node):
        enqueue(1, 2)
        feed()
        report(lease(1), protocol.Rendered, result=builders.result())
        signed_in(wanda).post(reverse("workers:worker-stop", args=[node.pk]))
        assert list(node.leases.values_list("work__reference", flat=True)) == [1]

    def test_a_verb_that_does_not_fit_any_more_is_explained(self, signed_in, wanda, node):
        browser = signed_in(wanda)
        browser.post(reverse("workers:worker-retire", args=[node.pk]))
        answer = browser.post(reverse("workers:worker-pause", args=[node.pk]), follow=True)
        assert "had already moved on" in answer.text

    def test_pausing_and_resuming_all_day_is_too_often(self, signed_in, wanda, node):
        browser, url = signed_in(wanda), reverse("workers:worker-pause", args=[node.pk])
        statuses = [browser.post(url).status_code for _ in range(VERBS["limit"] + 1)]
        assert statuses[-2:] == [302, 429]

    def test_an_owner_cannot_lift_a_suspension(self, signed_in, wanda, node):
        services.suspend_worker(node, now=clock.now())
        signed_in(wanda).post(reverse("workers:worker-resume", args=[node.pk]))
        assert Worker.objects.get(pk=node.pk).status == "suspended"
        services.reinstate_worker(node, now=clock.now())
        assert Worker.objects.get(pk=node.pk).status == "offline"

    @pytest.mark.parametrize("verb", ["pause", "stop", "resume", "retire", "config"])
    def test_a_stranger_cannot(self, signed_in, node, mallory, verb):
        assert signed_in(mallory).post(reverse(f"workers:worker-{verb}", args=[node.pk])).status_code == 404
        assert Worker.objects.get(pk=node.pk).status == "online"

    def test_verbs_need_post(self, signed_in, wanda, node):
        assert page(signed_in(wanda), "worker-retire", node.pk).status_code == 405
