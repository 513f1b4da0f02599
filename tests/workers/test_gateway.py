"""The nodes' sockets, spoken to by a scripted node: sign-on, work, and what happens when a line breaks."""

import asyncio
import functools
import threading
import tomllib
from collections import Counter
from datetime import timedelta

import msgspec
import pytest
from django.db import OperationalError

from common import clock
from pictor_agent import protocol
from tests.workers import builders
from tests.workers.builders import NOW, enqueue, lease, result
from tests.workers.scripted import ScriptedNode, db, until
from workers import controls, gateway, presentation, renewal, rollups, services, switchboard, telemetry
from workers.look import Look, for_look
from workers.models import Lease, SelfTest, Shift, Work, Worker, WorkerMinute

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def board():
    board = switchboard.current()
    yield board
    await board.stop()


@pytest.fixture
def node() -> ScriptedNode:
    """A new node with a fresh configuration file."""
    worker = services.create_worker(builders.user(), "attic", now=NOW)
    return configured(worker)


def configured(worker: Worker, **changes) -> ScriptedNode:
    config = tomllib.loads(services.new_config(worker, now=changes.pop("now", None) or clock.now()))
    return ScriptedNode(config["worker_uid"], token=config["token"], **changes)


def row(node: ScriptedNode) -> Worker:
    return Worker.objects.get(uid=node.uid)


async def online(node: ScriptedNode) -> Worker:
    return await until(lambda: Worker.objects.filter(uid=node.uid, status="online").first())


class SignOnTests:
    async def test_why_an_engine_does_not_work_stands_on_the_owners_page(self, board, node):
        await node.sign_on(engine_notes=["EEVEE: no libEGL.so.1"])
        worker = await online(node)
        facts = await db(lambda: presentation.facts_part(Look(for_look(Worker.objects).get(pk=worker.pk), NOW)))
        assert ("Engine that does not work here", "EEVEE: no libEGL.so.1") in facts["facts_rows"]
        await node.close()

    async def test_what_a_node_found_out_about_itself_is_kept_for_its_page(self, board, node):
        await node.sign_on()
        for passed in (None, False, True):
            await node.say(protocol.SelfTested(blender_versions=["5.0.1"], passed=passed, words="0.4 s on CPU"))
        kept = await until(lambda: SelfTest.objects.filter(worker__uid=node.uid, passed=True).first())
        assert (kept.blender_versions, kept.words) == (["5.0.1"], "0.4 s on CPU")
        await node.close()

    async def test_a_node_that_goes_on_changing_its_mind_about_itself_is_not_listened_to(self, board, node):
        await node.sign_on()
        for number in range(gateway.SELF_TESTS_MAX + 3):
            await node.say(protocol.SelfTested(passed=False, words=f"try {number}"))
        await node.say(protocol.NeedUrls(work_id=1, attempt=1))
        await node.hear(protocol.Cancel)  # everything before is done by now
        assert (await db(lambda: SelfTest.objects.get(worker__uid=node.uid))).words == f"try {gateway.SELF_TESTS_MAX - 1}"
        await node.close()

    async def test_a_new_node_enrols_and_is_online(self, board, node):
        welcome = await node.sign_on()
        assert welcome.worker_name == "attic"
        worker = await online(node)
        assert (worker.gateway_id, worker.connection_epoch) == (board.gateway_id, welcome.epoch)
        assert bytes(worker.public_key) == bytes(node.key.verify_key)
        await node.close()
        assert (await until(lambda: Worker.objects.filter(uid=node.uid, status="offline").first())).connected_at is None
        assert await db(Shift.objects.filter(ended_at=None).count) == 0

    async def test_a_configuration_file_enrols_one_key_only(self, board, node):
        await node.sign_on()
        thief = ScriptedNode(node.uid, token=node.token)
        await thief.prove()
        assert (await thief.hear(protocol.Refused)).code == "bad_token"

    async def test_an_enrolled_key_returns_without_a_token(self, board, node):
        await node.sign_on()
        await online(node)
        await node.close()
        again = ScriptedNode(node.uid, key=node.key)
        assert (await again.sign_on()).epoch == 2

    async def test_an_expired_configuration_file_is_refused(self, board):
        worker = await db(services.create_worker, await db(builders.user), "late", now=NOW)
        late = await db(configured, worker, now=NOW.replace(year=2020))
        await late.prove()
        assert "download a fresh one" in (await late.hear(protocol.Refused)).words

    async def test_a_newer_configuration_file_revokes_the_older(self, board, node):
        newer = await db(lambda: configured(row(node)))
        await node.prove()
        assert (await node.hear(protocol.Refused)).code == "bad_token"
        await newer.sign_on()
        assert await online(newer)

    async def test_a_signature_of_another_key_is_refused(self, board, node):
        await node.connect()
        await node.say(node.hello())
        await node.say(protocol.Proof(signature=bytes(64)))
        assert (await node.hear(protocol.Refused)).code == "bad_signature"
        assert await node.hear_close() == 1008

    async def test_an_old_protocol_is_refused_with_the_remedy(self, board, node):
        await node.connect()
        await node.say(node.hello(protocol=0))
        refused = await node.hear(protocol.Refused)
        assert refused.code == "too_old"
        assert "/workers/agent/" in refused.words

    async def test_work_that_an_older_agent_does_not_know_is_never_given_to_it(self, board, node):
        node.hello = functools.partial(ScriptedNode.hello, node, protocol=protocol.REGIONS_SINCE - 1)
        await node.sign_on()
        older = await online(node)
        assert older.protocol == protocol.REGIONS_SINCE - 1
        await db(enqueue, 1, protocol_min=protocol.REGIONS_SINCE)
        await db(enqueue, 2, group=2)
        assert await db(builders.feed) == 1
        assert (await db(lease, 2)).worker_id == older.pk
        newer = await db(builders.worker)
        assert await db(builders.feed) == 1
        assert (await db(lease, 1)).worker_id == newer.pk

    async def test_an_unknown_node_is_refused(self, board):
        stranger = ScriptedNode("w_nobody")
        await stranger.prove()
        assert (await stranger.hear(protocol.Refused)).code == "unknown_node"

    async def test_a_retired_node_is_refused_and_its_socket_closes(self, board, node):
        await node.sign_on()
        worker = await online(node)
        await db(services.retire_worker, worker, now=NOW)
        assert (await node.hear(protocol.Refused)).code == "retired"
        await node.hear_close()
        again = ScriptedNode(node.uid, key=node.key)
        await again.prove()
        assert (await again.hear(protocol.Refused)).code == "retired"

    async def test_a_newer_connection_supersedes_the_older(self, board, node):
        await node.sign_on()
        await online(node)
        again = ScriptedNode(node.uid, key=node.key)
        assert (await again.sign_on()).epoch == 2
        assert (await node.hear(protocol.Refused)).code == "superseded"
        await node.hear_close()
        await node.close()
        worker = await online(again)
        assert worker.connection_epoch == 2

    async def test_words_before_the_proof_are_refused(self, board, node):
        await node.connect()
        await node.say(protocol.Heartbeat())
        assert (await node.hear(protocol.Refused)).code == "bad_message"

    async def test_a_message_that_is_too_large_is_refused(self, board, node):
        await node.connect()
        await node.say_bytes(b"x" * (protocol.MESSAGE_BYTES_MAX + 1))
        assert (await node.hear(protocol.Refused)).code == "bad_message"

    @pytest.mark.parametrize(
        "said",
        [
            {"type": "Heartbeat", "holding": [[2**63, 1]]},
            {"type": "Heartbeat", "holding": [[1, 2**31]]},
            {"type": "Heartbeat", "gpus": [{"index": 0, "temperature_celsius": float("nan")}]},
            {"type": "Heartbeat", "gpus": [{"index": 0, "power_watts": float("inf")}]},
            {"type": "Started", "work_id": -1, "attempt": 1},
        ],
    )
    async def test_numbers_that_would_break_the_batch_of_all_nodes_are_refused(self, board, node, said):
        await node.sign_on()
        await node.say_bytes(msgspec.msgpack.encode(said))
        assert (await node.hear(protocol.Refused)).code == "bad_message"

    @pytest.mark.parametrize(
        "field",
        [
            msgspec.msgpack.encode("zz") + b"\x91" * 100_000 + b"\xc0",  # a field of a newer agent: lists in lists
            msgspec.msgpack.encode("resting") + b"\xa2\xff\xfe",  # a text that is none
        ],
        ids=["nested", "no text"],
    )
    async def test_what_cannot_even_be_read_is_refused_in_words(self, board, node, field):
        await node.sign_on()
        await node.say_bytes(b"\x82" + msgspec.msgpack.encode("type") + msgspec.msgpack.encode("Heartbeat") + field)
        assert "Unreadable message" in (await node.hear(protocol.Refused)).words

    async def test_a_fault_of_ours_leaves_no_node_online_and_no_stranger_counted(self, board, node, monkeypatch):
        """Else its hours would go on without it, and a few such faults would shut its whole network out."""
        monkeypatch.setattr("workers.gateway._strangers", Counter())
        stranger = ScriptedNode("w_nobody")
        await stranger.connect()
        await node.sign_on()
        await online(node)
        monkeypatch.setattr(gateway.AgentConsumer, "_decode", None)
        for each in (stranger, node):
            await each.say(protocol.Heartbeat())
            with pytest.raises(TypeError):
                await each.socket.wait(90)
        assert (await db(lambda: row(node))).status == "offline"
        assert await db(Shift.objects.filter(ended_at=None).count) == 0
        assert (board.sockets, +gateway._strangers) == (set(), Counter())

    async def test_a_loss_that_the_database_did_not_take_is_written_later_as_of_then(self, board, node, monkeypatch):
        monkeypatch.setattr(switchboard, "LOSSES_SECONDS", 0.1)
        await node.sign_on()
        await online(node)
        sign_off, failures = services.sign_off, [OperationalError("away")] * 2

        def broken(*args, **kwargs):
            if failures:
                raise failures.pop()
            return sign_off(*args, **kwargs)

        monkeypatch.setattr(services, "sign_off", broken)
        before = clock.now()
        await node.close()
        tried_at = clock.now()
        assert (await db(lambda: row(node))).status == "online"
        shift = await until(lambda: Shift.objects.filter(worker__uid=node.uid, ended_at__isnull=False).first())
        assert before <= shift.ended_at <= tried_at
        assert (failures, board.lost) == ([], {})

    async def test_texts_with_nul_are_taken_without_it(self, board, node):
        await node.sign_on(hostname="at\0tic", blender_versions=["5.0\0.1"])
        worker = await online(node)
        assert (worker.hostname, worker.blender_versions) == ("attic", ["5.0.1"])

    async def test_a_message_of_a_newer_agent_is_passed_over(self, board, node):
        await node.sign_on()
        await node.say_bytes(msgspec.msgpack.encode({"type": "Sing", "song": "la"}))
        await node.say(protocol.Heartbeat(holding=[(5, 1)]))
        assert (await node.hear(protocol.Cancel)).items == [(5, 1)]

    async def test_a_stranger_who_talks_but_never_signs_on_is_sent_away(self, board, node, monkeypatch):
        monkeypatch.setattr("workers.switchboard.HANDSHAKE_SECONDS", 0.2)
        await node.connect()
        async with asyncio.timeout(90):
            while board.sockets:
                await node.say_bytes(msgspec.msgpack.encode({"type": "Sing"}))
                await asyncio.sleep(0.05)
        assert await node.hear_close() == 1008

    async def test_strangers_of_one_address_do_not_take_all_places(self, board, node, monkeypatch):
        monkeypatch.setattr("workers.gateway.STRANGERS_MAX", 1)
        monkeypatch.setattr("workers.gateway._strangers", Counter())
        stranger, second, other = (ScriptedNode("w_nobody") for _ in range(3))
        other.socket.scope["client"] = ("198.51.100.7", 50_000)
        await stranger.connect()
        await second.socket.send_input({"type": "websocket.connect"})
        assert await second.hear_close() == 1013
        await other.connect()
        await stranger.close()
        await node.sign_on()
        await ScriptedNode("w_nobody").connect()  # there is room again: who has proved a key is no stranger

    async def test_a_flood_is_refused(self, board, node, monkeypatch):
        monkeypatch.setattr("workers.gateway.MESSAGES_BURST", 5)
        await node.sign_on()
        for _ in range(20):
            await node.say(protocol.Heartbeat())
        assert (await node.hear(protocol.Refused)).retry


class WorkTests:
    async def test_a_task_goes_from_the_queue_to_done(self, board, node, toy):
        await node.sign_on()
        await online(node)
        await db(enqueue, 1, 2)
        assert await db(builders.feed) == 2
        first, second = (await node.hear(protocol.Assign)).items
        assert (first.place, second.place, first.spec.frame) == (0, 1, 1)
        await node.say(protocol.Received(items=[(first.work_id, 1), (second.work_id, 1)]))
        await node.say(protocol.Started(work_id=first.work_id, attempt=1))
        await node.say(protocol.Rendered(work_id=first.work_id, attempt=1, result=result()))
        assert (await node.hear(protocol.UploadGrant)).work_id == first.work_id
        await node.say(protocol.Started(work_id=second.work_id, attempt=1))
        await node.say(protocol.Done(work_id=first.work_id, attempt=1, result=result()))
        assert not (await node.hear(protocol.Recorded)).stale
        assert [r.reference for r in toy.heard("finished")] == [1]
        await until(lambda: lease(2).started_at)
        assert await db(lambda: lease(2).place) == 0

    async def test_a_node_that_waits_for_its_answer_does_not_wait_for_other_nodes(self, board, node, monkeypatch):
        monkeypatch.setattr(switchboard, "REPORT_FLUSH_SECONDS", 3_600)
        await node.sign_on()
        await online(node)
        await db(enqueue, 1)
        await db(builders.feed)
        item = (await node.hear(protocol.Assign)).items[0]
        await node.say(protocol.Started(work_id=item.work_id, attempt=1))
        await node.say(protocol.Rendered(work_id=item.work_id, attempt=1, result=result()))
        assert (await node.hear(protocol.UploadGrant)).work_id == item.work_id

    async def test_a_log_with_nul_is_recorded_like_any_other(self, board, node, toy):
        await node.sign_on()
        await online(node)
        await db(enqueue, 1)
        await db(builders.feed)
        item = (await node.hear(protocol.Assign)).items[0]
        raw = protocol.encode(protocol.Failed(work_id=item.work_id, attempt=1, reason="agent_error", detail="a~b"))
        await node.say_bytes(raw.replace(b"a~b", b"a\0b"))
        assert not (await node.hear(protocol.Recorded)).stale

    async def test_progress_reaches_the_page_and_the_product(self, board, node, toy):
        await node.sign_on()
        await online(node)
        await db(enqueue, 1)
        await db(builders.feed)
        item = (await node.hear(protocol.Assign)).items[0]
        await node.say(protocol.Progress(work_id=item.work_id, attempt=1, fraction=0.5, note="sample 1 of 2"))
        await until(lambda: telemetry.get_progresses([item.work_id])[item.work_id] == (0.5, "sample 1 of 2"))
        assert toy.heard("progressed") == [(1, 1)] or await until(lambda: toy.heard("progressed"))

    async def test_lines_of_a_running_log_reach_the_page_and_the_product(self, board, node, toy):
        await node.sign_on()
        await online(node)
        await db(enqueue, 1)
        await db(builders.feed)
        item = (await node.hear(protocol.Assign)).items[0]
        for offset, text in ((4, "two\n"), (0, "one\n")):
            await node.say(protocol.LogLines(work_id=item.work_id, attempt=1, offset=offset, text=text))
        await node.say(protocol.LogLines(work_id=item.work_id, attempt=7, offset=0, text="not this node's\n"))
        await node.say(protocol.LogLines(work_id=9_999, attempt=1, offset=0, text="nobody's\n"))
        await until(lambda: services.log_of(item.work_id) == "one\ntwo\n")
        await until(lambda: (1, 1) in toy.heard("logged"))
        assert await db(services.log_of, 9_999) == ""

    async def test_heartbeats_renew_leases_and_keep_the_newest_sample(self, board, node):
        await node.sign_on()
        worker = await online(node)
        await db(enqueue, 1)
        await db(builders.feed)
        item = (await node.hear(protocol.Assign)).items[0]
        await node.say(protocol.Heartbeat(holding=[(item.work_id, 1), (99, 1)], cpu_load=0.25))
        assert (await node.hear(protocol.Cancel)).items == [(99, 1)]
        assert (await db(lease, 1)).expires_at > NOW.replace(year=2026, month=6)
        assert (await db(telemetry.get_sample, worker.pk))["cpu_load"] == 0.25

    async def test_leases_are_renewed_while_every_doorman_is_busy(self, board, node):
        await node.sign_on()
        await online(node)
        await db(enqueue, 1)
        await db(builders.feed)
        item = (await node.hear(protocol.Assign)).items[0]
        may_end = threading.Event()
        try:
            for _ in range(switchboard.DOORMEN):
                board.doorman.submit(may_end.wait)
            await node.say(protocol.Heartbeat(holding=[(item.work_id, 1)]))
            await until(lambda: lease(1).expires_at > NOW.replace(year=2026, month=6))
        finally:
            may_end.set()

    async def test_leases_are_renewed_while_a_commitment_of_the_node_is_looked_at(self, board, node, toy, monkeypatch):
        may_end, said = threading.Event(), []

        def committed(reference, worker_id, message, said_at):
            assert may_end.wait(90)
            said.append(message.root)

        monkeypatch.setattr(toy, "committed", staticmethod(committed), raising=False)
        await node.sign_on()
        await online(node)
        await db(enqueue, 1)
        await db(builders.feed)
        item = (await node.hear(protocol.Assign)).items[0]
        for letter in b"abc":
            await node.say(protocol.Committed(work_id=item.work_id, attempt=1, root=bytes([letter]) * 32))
        await node.say(protocol.Heartbeat(holding=[(item.work_id, 1)]))
        await until(lambda: lease(1).expires_at > NOW.replace(year=2026, month=6))
        may_end.set()
        await until(lambda: len(said) == 3)
        assert [root[:1] for root in said] == [b"a", b"b", b"c"], "in the order in which it said them"

    async def test_a_commitment_that_could_not_be_taken_costs_the_node_no_line(self, board, node, toy, monkeypatch):
        answers = [OperationalError("away"), protocol.Show(work_id=1, attempt=1, seed=7)]

        def committed(reference, worker_id, message, said_at):
            if isinstance(answer := answers.pop(0), Exception):
                raise answer
            return answer

        monkeypatch.setattr(toy, "committed", staticmethod(committed), raising=False)
        await node.sign_on()
        await online(node)
        await db(enqueue, 1)
        await db(builders.feed)
        item = (await node.hear(protocol.Assign)).items[0]
        for _ in range(2):
            await node.say(protocol.Committed(work_id=item.work_id, attempt=1, root=b"r" * 32))
        assert (await node.hear(protocol.Show)).seed == 7

    async def test_fresh_urls_are_given_to_the_holder_only(self, board, node):
        await node.sign_on()
        await online(node)
        await db(enqueue, 1)
        await db(builders.feed)
        item = (await node.hear(protocol.Assign)).items[0]
        await node.say(protocol.NeedUrls(work_id=item.work_id, attempt=1))
        assert (await node.hear(protocol.Urls)).urls == {"a" * 64: "http://testserver/files/1"}
        await node.say(protocol.NeedUrls(work_id=item.work_id, attempt=2))
        assert (await node.hear(protocol.Cancel)).items == [(item.work_id, 2)]

    async def test_withdrawn_work_is_cancelled_on_the_node(self, board, node):
        await node.sign_on()
        await online(node)
        await db(enqueue, 1)
        await db(builders.feed)
        item = (await node.hear(protocol.Assign)).items[0]
        await db(services.withdraw, "toy", [1])
        assert (await node.hear(protocol.Cancel)).items == [(item.work_id, 1)]


class LimitsTests:
    async def test_a_node_is_told_its_limits_until_it_obeys_them(self, board, node):
        await node.sign_on()
        worker = await online(node)
        await db(controls.set_controls, worker, now=NOW, temperature_max_celsius=80, idle_minutes=5)
        await node.say(protocol.Heartbeat())
        told = await node.hear(protocol.Limits)
        assert (told.celsius_max, told.idle_seconds, told.watts_max) == (80, 300, 0)
        await node.say(protocol.Heartbeat())
        assert await node.hear(protocol.Limits) == told
        obeys = renewal.Seen((await db(row, node)).connection_epoch, limits_at=told.at)
        assert (await db(renewal.renew, {worker.pk: obeys}, [], now=NOW)).limits == {}

    async def test_an_older_agent_is_not_told_what_it_cannot_obey(self, board, node):
        await node.sign_on()
        worker = await online(node)
        await db(controls.set_controls, worker, now=NOW, temperature_max_celsius=80)
        await db(lambda: Worker.objects.update(protocol=protocol.LIMITS_SINCE - 1))
        seen = {worker.pk: renewal.Seen((await db(row, node)).connection_epoch)}
        assert (await db(renewal.renew, seen, [], now=NOW)).limits == {}

    async def test_a_resting_node_gets_no_work_and_its_page_says_why(self, board, node):
        await node.sign_on()
        worker = await online(node)
        await db(enqueue, 1)
        await node.say(protocol.Heartbeat(resting="too_hot"))
        await until(lambda: row(node).resting == "too_hot")
        assert await db(builders.feed) == 0
        assert "limit of temperature" in await db(services.idle_reason, await db(row, node))
        await node.say(protocol.Heartbeat())
        await until(lambda: row(node).resting == "")
        assert await db(builders.feed) == 1
        kinds = await db(lambda: [event.kind for event in worker.events.order_by("pk")])
        assert kinds[-1] == "resting"  # that it takes work again is told later: tests.workers.test_resting

    async def test_a_reason_of_a_newer_agent_is_a_reason_too(self, board, node):
        await node.sign_on()
        await online(node)
        await node.say(protocol.Heartbeat(resting="on_fire"))
        await until(lambda: row(node).resting == "on_fire")
        assert await db(services.idle_reason, await db(row, node)) == "The node takes no new work for now."


class MinuteTests:
    async def test_minutes_wait_while_the_database_is_away_but_not_for_ever(self, board, monkeypatch):
        this_minute = clock.now().replace(second=0, microsecond=0)
        just_over, old = this_minute - timedelta(minutes=1), this_minute - 2 * rollups.HELD
        for at in (this_minute, just_over, old):
            board.minutes[1, at].add(protocol.Heartbeat(cpu_load=0.5))
        with monkeypatch.context() as away:
            away.setattr("workers.rollups.connection", None)
            with pytest.raises(AttributeError):
                await board._write_minutes()
        await board._write_minutes()
        assert await db(lambda: set(WorkerMinute.objects.values_list("minute_at", flat=True))) <= {just_over, this_minute}
        assert await db(WorkerMinute.objects.filter(minute_at=just_over).count) == 1
        assert (1, old) not in board.minutes


class BrokenLineTests:
    async def leased(self, node, *references: int) -> list[protocol.Assignment]:
        await node.sign_on()
        await online(node)
        await db(enqueue, *references)
        await db(builders.feed)
        return (await node.hear(protocol.Assign)).items

    async def test_a_node_that_reconnects_keeps_its_work(self, board, node):
        (item,) = await self.leased(node, 1)
        await node.close()
        again = ScriptedNode(node.uid, key=node.key)
        welcome = await again.sign_on(holding=[(item.work_id, 1), (77, 1)])
        assert (await again.hear(protocol.Cancel)).items == [(77, 1)]
        kept = await db(lease, 1)
        assert (kept.attempt, kept.epoch) == (1, welcome.epoch)
        await again.say(protocol.Done(work_id=item.work_id, attempt=1, result=result()))
        assert not (await again.hear(protocol.Recorded)).stale

    async def test_a_node_that_restarted_empty_gives_its_work_back(self, board, node, toy):
        await self.leased(node, 1)
        await node.close()
        again = ScriptedNode(node.uid, key=node.key)
        await again.sign_on()
        await until(lambda: not Lease.objects.exists())
        assert [r.reason for r in toy.heard("returned")] == ["node_gone"]
        assert not (await db(Work.objects.get)).leased

    async def test_reports_before_a_goodbye_count_and_the_rest_returns_at_once(self, board, node, toy):
        first, _ = await self.leased(node, 1, 2)
        await node.say(protocol.Done(work_id=first.work_id, attempt=1, result=result()))
        await node.say(protocol.SignOff(reason="SIGTERM"))
        await until(lambda: Worker.objects.filter(uid=node.uid, status="offline").exists())
        assert [r.reference for r in toy.heard("finished")] == [1]
        assert [(r.reference, r.reason) for r in toy.heard("returned")] == [(2, "drained")]

    async def test_a_draining_node_keeps_what_runs_and_gets_no_more(self, board, node, toy):
        first, second = await self.leased(node, 1, 2)
        await node.say(protocol.Received(items=[(first.work_id, 1), (second.work_id, 1)]))
        await node.say(protocol.Started(work_id=first.work_id, attempt=1))
        await node.say(protocol.Draining(reason="SIGTERM"))
        assert (await node.hear(protocol.Cancel)).items == [(second.work_id, 1)]
        assert await db(builders.feed) == 0
        assert (await db(lease, 1)).started_at

    async def test_nodes_of_a_dead_gateway_are_offline_and_their_work_waits_for_the_lease_to_expire(self, board, node):
        await self.leased(node, 1)
        from datetime import timedelta

        from common import clock

        later = clock.now() + timedelta(seconds=60)
        assert await db(services.lose_dead_gateways, now=later) == 1
        assert (await db(row, node)).status == "offline"
        assert await db(Lease.objects.count) == 1
