"""Releases of the agent: numbered, signed, offered to nodes that are behind, and taken only as their owners allow."""

import tomllib
from datetime import timedelta

import pytest
from django.urls import reverse

from pictor_agent import protocol
from pictor_agent.updating.manifest import opened, public_key
from tests.workers.builders import NOW, user, worker
from tests.workers.scripted import db, until
from tests.workers.test_gateway import board, configured
from tests.workers.test_settings_page import AS_IT_IS
from workers import agent_wheel, enrolments, limits, presentation, release_words, releases, services
from workers.look import Look, for_look
from workers.models import AgentBuild, AgentRelease, Worker, WorkerEvent

pytestmark = pytest.mark.django_db

__all__ = ["board"]  # a fixture


def said(**changes) -> protocol.Build:
    return protocol.Build(**{"sha256": "a" * 64} | changes)


def note(node: Worker, build: protocol.Build):
    return releases.note_build(node.pk, epoch=node.connection_epoch, said=build, now=NOW)


def told(node: Worker) -> list[tuple[str, str]]:
    return list(WorkerEvent.objects.filter(worker=node).order_by("pk").values_list("kind", "detail"))


class OfferedTests:
    def test_each_wheel_has_one_number_and_numbers_grow(self, monkeypatch):
        first = releases.offered(now=NOW)
        assert releases.offered(now=NOW + timedelta(days=1)) == first
        other = agent_wheel.Wheel(agent_wheel.offered().name, b"another", "b" * 64)
        monkeypatch.setattr(agent_wheel, "_built", [other])
        assert releases.offered(now=NOW).pk > first.pk
        assert releases.newest().sha256 == "b" * 64

    def test_the_network_s_word_on_it_is_signed_and_names_the_file_beside_it(self, client, settings):
        answer = client.get(reverse("workers:agent-release"))
        manifest = opened(answer.content, public_key(settings.AGENT_SIGNING_KEY))
        wheel = agent_wheel.offered()
        assert (manifest.sha256, manifest.size_bytes, manifest.wheel) == (wheel.sha256, len(wheel.content), wheel.name)
        assert manifest.number == AgentRelease.objects.get().pk
        beside = answer.request["PATH_INFO"].rpartition("/")[0] + f"/{manifest.wheel}?sha256={manifest.sha256}"
        assert client.get(beside).content == wheel.content

    def test_without_a_key_none_is_offered_and_no_file_names_one(self, client, settings):
        settings.AGENT_SIGNING_KEY = b""
        assert client.get(reverse("workers:agent-release")).status_code == 404
        assert note(worker(), said()) is None
        assert "update_" not in services.new_config(worker(), now=NOW)

    def test_configuration_files_name_the_key(self, settings):
        config = tomllib.loads(services.new_config(worker(), now=NOW))
        fleet = tomllib.loads(services.new_fleet_token(user(), name_prefix="rack", nodes_max=2, days=1, now=NOW))
        for written in (config, fleet):
            assert written["update_key"] == public_key(settings.AGENT_SIGNING_KEY)

    def test_so_does_the_command_that_makes_a_node(self, settings):
        node = services.create_worker(user(), "attic", now=NOW)
        services.new_config(node, now=NOW)
        code = enrolments.join_code(enrolments.usable_enrolment(node, now=NOW))
        assert code.endswith(f"/{public_key(settings.AGENT_SIGNING_KEY)}")


class NotBuiltTests:
    """A builder that fails."""

    @pytest.fixture(autouse=True)
    def broken(self, monkeypatch):
        tries = []

        def run(*_, **__):
            tries.append(1)
            raise OSError("no builder")

        monkeypatch.setattr(agent_wheel, "_built", [])
        monkeypatch.setattr(agent_wheel, "_failed_until", [0.0])
        monkeypatch.setattr(agent_wheel.subprocess, "run", run)
        return tries

    def test_it_is_not_asked_again_by_every_page(self, client, broken):
        for _ in range(3):
            assert client.get(reverse("workers:agent-install")).status_code == 503
        assert client.get(reverse("workers:agent-wheel", args=["x.whl"])).status_code == 503
        assert client.get(reverse("workers:agent-release")).status_code == 404
        assert len(broken) == 1

    def test_after_a_while_it_is(self, client, broken):
        client.get(reverse("workers:agent-install"))
        agent_wheel._failed_until[0] = 0.0
        client.get(reverse("workers:agent-install"))
        assert len(broken) == 2

    def test_the_page_of_a_new_node_does_without(self, signed_in, wanda):
        node = services.create_worker(wanda, "attic", now=NOW)
        assert signed_in(wanda).get(node.get_absolute_url()).status_code == 200


class NodeTests:
    def test_a_node_that_is_behind_is_told(self, settings):
        release = note(worker(), said())
        newest = releases.newest()
        assert release == protocol.Release(
            number=newest.pk, version=newest.version, url=f"{settings.SITE_URL}/workers/agent/release.json"
        )

    def test_one_that_has_it_or_cannot_take_it_is_not(self):
        assert note(worker(), said(sha256=agent_wheel.offered().sha256)) is None
        assert note(worker(), said(obstacle="image")) is None

    def test_what_becomes_of_it_stands_in_the_node_s_history_once(self):
        node = worker()
        for _ in range(2):
            note(node, said())
            note(node, said(tried=7, words="it ended with status 1: no such file"))
        note(node, said(tried=7, words="it ended with status 1: no such file"))
        newest = agent_wheel.offered().sha256
        note(node, said(sha256=newest))
        assert told(node)[0] == ("update-failed", "release 7: it ended with status 1: no such file")
        assert told(node)[-1] == ("updated", f"release {releases.newest().pk}")

    def test_a_connection_of_before_says_nothing(self):
        node = worker()
        assert releases.note_build(node.pk, epoch=99, said=said(), now=NOW) is None
        assert not AgentBuild.objects.exists()

    def test_words_of_a_node_are_one_plain_line(self):
        node = worker()
        note(node, said(words="a\u202eb\nc"))
        assert node.build.words == "ab c"


@pytest.mark.django_db(transaction=True)
class SocketTests:
    async def test_it_says_what_it_is_and_hears_of_the_newest(self, board):
        node = await db(lambda: configured(services.create_worker(user(), "attic", now=NOW)))
        await node.sign_on()
        await node.say(said())
        release = await node.hear(protocol.Release)
        assert release.number == (await db(releases.newest)).pk
        await node.close()

    async def test_what_its_owner_allows_comes_with_the_limits(self, board):
        node = await db(lambda: configured(services.create_worker(user(), "attic", now=NOW)))
        await node.sign_on()
        row = await until(lambda: Worker.objects.filter(uid=node.uid, status="online").first())
        release = await db(lambda: releases.offered(now=NOW))
        await db(lambda: services.allow_release(row, release, now=NOW))
        await node.say(protocol.Heartbeat())
        assert (await node.hear(protocol.Limits)).update_max == release.pk
        await node.close()


class OwnerTests:
    @pytest.fixture
    def node(self, wanda) -> Worker:
        return worker(owner=wanda, agent_version="0.1.0")

    def agent(self, node: Worker) -> release_words.Agent:
        return presentation._agent_of(Look(for_look(Worker.objects.all()).get(pk=node.pk), NOW).worker)

    def test_without_their_word_nothing_is_taken(self, node):
        services.set_controls(node, now=NOW, idle_minutes=5)
        assert limits.limits_of([node.pk])[node.pk].update_max == 0

    def test_the_page_asks_and_one_press_allows_this_release_alone(self, node, signed_in, wanda, monkeypatch):
        note(node, said())
        newest = releases.newest()
        assert self.agent(node) == (f"0.1.0; release {newest.pk} is there", True)
        assert "Update the agent" in signed_in(wanda).get(node.get_absolute_url()).text
        signed_in(wanda).post(reverse("workers:worker-update", args=[node.pk]))
        assert limits.limits_of([node.pk])[node.pk].update_max == newest.pk
        assert self.agent(node) == (f"0.1.0; goes over to release {newest.pk} between two tasks", False)
        AgentRelease.objects.create(sha256="c" * 64, version="0.3.0", created_at=NOW)
        assert self.agent(node).can_update

    def test_in_its_settings_they_let_it_take_all(self, node, signed_in, wanda):
        signed_in(wanda).post(reverse("workers:worker-settings", args=[node.pk]), AS_IT_IS | {"updates_itself": "on"})
        assert limits.limits_of([node.pk])[node.pk].update_max == limits.ANY_RELEASE

    def test_nobody_else_may(self, node, signed_in, mallory):
        releases.offered(now=NOW)
        assert signed_in(mallory).post(reverse("workers:worker-update", args=[node.pk])).status_code == 404

    def test_the_page_says_how_it_stands(self, node):
        newest = releases.offered(now=NOW)
        assert self.agent(node) == ("0.1.0", False)  # an agent of before says nothing
        note(node, said(sha256=newest.sha256))
        assert self.agent(node).words == f"0.1.0, the newest release ({newest.pk})"
        note(node, said(obstacle="image"))
        assert "pull or build the newer one" in self.agent(node).words
        note(node, said(obstacle="of_a_newer_agent"))
        assert "does not replace itself" in self.agent(node).words
        note(node, said(tried=newest.pk, words="it did not sign on within 180 s"))
        assert "was not taken: it did not sign on within 180 s" in self.agent(node).words
