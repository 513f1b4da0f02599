"""A real node against a scripted gateway: every fault of the line between them, with real frames."""

import asyncio
import contextlib
import errno
import hashlib
import io
import os
import signal
import threading
import time
from pathlib import Path
from unittest import mock

import psutil
import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed

from pictor_agent import attempts, connection, deliveries, protocol, transfers
from pictor_agent import shift as shift_module
from pictor_agent.config import Config, State
from pictor_agent.environments import Environments
from pictor_agent.files import FileStore
from pictor_agent.outbox import Outbox
from pictor_agent.probe import Probe
from pictor_agent.protocol import Assignment, FileRef
from pictor_agent.runner import Runner
from pictor_agent.selftest import SelfTest
from pictor_agent.shift import Shift
from pictor_agent.terminal import Terminal
from pictor_agent.updating.releases import Release
from tests.agent.conftest import agent_command, blender_python, make_spec, until
from tests.agent.file_server import FileServer
from tests.agent.gateway import Gateway
from tests.agent.test_sandbox import processes_with

pytestmark = [pytest.mark.blender, pytest.mark.xdist_group("blender"), pytest.mark.asyncio(loop_scope="session")]

LONG = {"samples": 1_000_000, "width": 640, "height": 360}
A_SECOND = {"samples": 600, "width": 96, "height": 54}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(connection, "BACKOFF_SECONDS_FIRST", 0.01)
    monkeypatch.setattr(deliveries, "RESEND_SECONDS", 0.3)
    monkeypatch.setattr(transfers, "BACKOFF_SECONDS_MAX", 0.01)


@pytest_asyncio.fixture(loop_scope="session")
async def gateway():
    async with Gateway() as made:
        yield made


@pytest.fixture
def server(scenes):
    with FileServer() as made:
        for name in ("plain", "no_camera"):
            made.files[f"/{name}.blend"] = (scenes / f"{name}.blend").read_bytes()
        yield made


class Gated(Runner):
    """Begins to render, and to look at a picture, only when the test lets it: what must happen meanwhile is never too late."""

    def __init__(self, *arguments, **fields) -> None:
        super().__init__(*arguments, **fields)
        self.gate, self.looking = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.looking.set()
        self.shot: list[int] = []  # frames that Blender is done with, in order

    async def shoot(self, *arguments):
        await self.gate.wait()
        shot = await super().shoot(*arguments)
        self.shot.append(shot.spec.frame)
        return shot

    async def describe(self, shot):
        await self.looking.wait()
        return await super().describe(shot)


class Node:
    """A shift of our own with its state folder; starts, stops and starts again like a program."""

    def __init__(self, gateway, server, runner, folder) -> None:
        self.gateway, self.server = gateway, server
        self.runner = Gated(runner.environments, runner.sandbox, pool=runner.pool)
        self.state = State(folder)
        self.state.make()
        self.said = io.StringIO()
        self.task = None

    def start(self, *, tries_itself: bool = False) -> Shift:
        config = Config(self.gateway.url, "w_test", token="secret", drain_seconds=30)
        self.client = transfers.make_client()
        store = FileStore(self.state.folder / "cache", 1 << 30, self.client, self.runner.has_open)
        outbox, probe = Outbox(self.state.folder / "outbox"), Probe(self.state.folder)
        self.shift = Shift(config, self.state, self.runner, store, outbox, probe, Terminal(self.said))
        if tries_itself:
            self.shift.self_test = SelfTest(self.runner.environments, self.runner.sandbox, self.state.folder)
        self.task = asyncio.create_task(self.shift.run())
        return self.shift

    async def stop(self) -> None:
        """Without a goodbye, as a killed program."""
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        await self.client.aclose()

    async def end(self) -> int:
        async with asyncio.timeout(90):
            return await self.task

    @property
    def due(self) -> list[tuple[int, str]]:
        return [(report.work_id, report.stage) for report in self.shift.outbox.reports()]

    def assignment(self, work_id: int, *, slot=0, place=0, attempt=1, main="plain.blend", **fields) -> Assignment:
        content = self.server.files["/" + main]
        ref = FileRef(
            path=main, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content), url=f"{self.server.url}/{main}"
        )
        spec = make_spec(main, files=[ref], scene_key=ref.sha256, frame=work_id, **fields)
        return Assignment(work_id=work_id, attempt=attempt, slot=slot, place=place, lease_seconds=60, spec=spec)

    async def assign(self, *items: Assignment) -> None:
        await self.gateway.say(protocol.Assign(items=list(items)))

    async def grant(self, work_id: int, attempt: int = 1) -> None:
        url = f"{self.server.url}/up-{work_id}-{attempt}"
        await self.gateway.say(protocol.UploadGrant(work_id=work_id, attempt=attempt, url=url))

    async def record(self, work_id: int, attempt: int = 1, *, stale=False) -> None:
        await self.gateway.say(protocol.Recorded(work_id=work_id, attempt=attempt, stale=stale))
        await until(lambda: (work_id, attempt) not in self.shift.deliveries.due)

    async def finish(self, work_id: int) -> protocol.Done:
        """Play the server's part for one frame, from Rendered to Recorded."""
        await self.gateway.hear(protocol.Rendered, work_id)
        await self.grant(work_id)
        done = await self.gateway.hear(protocol.Done, work_id)
        await self.record(work_id)
        return done


@pytest_asyncio.fixture(loop_scope="session")
async def node(gateway, server, runner, tmp_path):
    made = Node(gateway, server, runner, tmp_path / "state")
    made.start()
    await gateway.signed_on()
    yield made
    await made.stop()


class SelfTestTests:
    @pytest.fixture(autouse=True)
    def no_quiet(self, monkeypatch):
        monkeypatch.setattr(shift_module, "QUIET_SECONDS", 0.01)

    async def passed(self, node) -> protocol.SelfTested:
        await until(lambda: node.shift.tested and node.shift.tested.passed is not None)
        await until(lambda: node.shift.tested in node.gateway.heard)
        return node.shift.tested

    async def test_a_node_without_work_renders_a_picture_of_its_own_and_says_so(self, gateway, node):
        await node.stop()
        node.start(tries_itself=True)
        told = await self.passed(node)
        assert told.passed, told.words
        assert told.words.endswith("s on CPU")
        assert told.blender_versions == ["5.0.1"]
        assert f"[x] Self-test passed: {told.words}" in node.said.getvalue()
        assert "Next:" not in node.said.getvalue()

    async def test_passed_once_it_is_not_repeated(self, gateway, node, monkeypatch):
        await node.stop()
        SelfTest(node.runner.environments, node.runner.sandbox, node.state.folder).keep("5.0.1", "kept words")
        node.start(tries_itself=True)
        assert (await self.passed(node)).words == "kept words"

    async def test_frames_come_first_and_prove_as_much(self, gateway, node):
        await node.stop()
        shift = node.start()
        await gateway.signed_on(2)
        await node.assign(node.assignment(1))
        await node.finish(1)
        shift.self_test = SelfTest(node.runner.environments, node.runner.sandbox, node.state.folder)
        shift.line.start(shift._try_itself())
        assert (await self.passed(node)).words == "a frame was rendered on CPU"

    async def test_without_a_blender_it_says_why(self, gateway, node):
        await node.stop()
        node.runner.environments = Environments({})
        node.start(tries_itself=True)
        await until(lambda: node.shift.tested and node.shift.tested.blender_problem)
        assert "Blender could not be fetched: none is here and none can be fetched" in node.said.getvalue()


class SignOnTests:
    async def test_the_node_proves_its_key_and_says_what_it_has(self, gateway, node):
        sign_on = await gateway.signed_on()
        assert gateway.hellos[0].public_key == bytes(node.state.signing_key().verify_key)
        assert sign_on.inventory.isolation == "bubblewrap"
        assert sign_on.inventory.blender_versions == ["5.0.1"]
        assert (sign_on.inventory.cpu_cores, sign_on.holding) == (os.cpu_count(), [])

    async def test_the_token_is_shown_once(self, gateway, node):
        await gateway.drop()
        await gateway.signed_on(2)
        assert [hello.token for hello in gateway.hellos] == ["secret", ""]

    async def test_a_refusal_for_good_ends_the_program_with_its_words(self, gateway, node):
        gateway.refusals.append(protocol.Refused(code="retired", words="This node was retired on Monday."))
        await gateway.drop()
        assert await node.end() == 2
        assert "This node was retired on Monday." in node.said.getvalue()

    async def test_a_refusal_for_now_is_tried_again(self, gateway, node):
        gateway.refusals.append(protocol.Refused(code="suspended", words="Later.", retry=True))
        await gateway.drop()
        await gateway.signed_on(2)
        assert len(gateway.hellos) == 3

    async def test_words_of_the_server_cannot_play_with_the_terminal(self, gateway, node):
        gateway.refusals.append(protocol.Refused(code="retired", words="\x1b[2Jgone\x07"))
        await gateway.drop()
        await node.end()
        assert "\x1b" not in node.said.getvalue()

    async def test_heartbeats_follow_the_server_s_pace_and_name_what_lives(self, gateway, node):
        await gateway.say(protocol.Pace(report_seconds=0.0))
        await gateway.drop()
        gateway.report_seconds = 0.05
        await gateway.signed_on(2)
        await node.assign(node.assignment(1, **LONG))
        await gateway.hear(protocol.Started, 1)
        await gateway.until(lambda: [(1, 1)] in [m.holding for m in gateway.heard if isinstance(m, protocol.Heartbeat)])
        beat = await gateway.hear(protocol.Heartbeat)
        assert beat.ram_used_bytes > 0
        assert beat.disk_free_bytes > 0

    async def test_whoever_watches_the_machine_sees_whether_the_server_hears_of_it(self, gateway, node):
        gateway.report_seconds = 0.05
        await gateway.drop()
        await gateway.signed_on(2)
        await until(node.state.last_beat)
        os.utime(node.state.beat_path, (0, 0))
        await until(lambda: node.state.last_beat().at > 0)
        gateway.refusals.append(protocol.Refused(code="retired", words="Gone."))
        await gateway.drop()
        await node.end()
        assert node.state.last_beat() is None


class RestTests:
    """A node that its owner's limits, or the machine itself, keep from new work."""

    async def test_it_says_which_limits_it_obeys(self, gateway, node):
        gateway.report_seconds = 0.05
        await gateway.say(protocol.Pace(report_seconds=0.0))
        await gateway.say(protocol.Limits(at=77, celsius_max=80, cache_bytes=5 << 30, bytes_per_second=1_000_000))
        await gateway.until(lambda: any(isinstance(m, protocol.Heartbeat) and m.limits_at == 77 for m in gateway.heard))
        shift = node.shift
        assert shift.store.size_bytes_max == 5 << 30
        assert shift.store.bandwidth.bytes_per_second == shift.deliveries.bandwidth.bytes_per_second == 1_000_000
        await gateway.say(protocol.Limits(at=78))
        await until(lambda: shift.store.size_bytes_max == 1 << 30)

    async def test_what_runs_is_finished_and_what_waits_goes_back(self, gateway, node, monkeypatch):
        node.runner.gate.clear()
        await node.assign(node.assignment(1, **A_SECOND), node.assignment(2, place=1))
        await until(lambda: node.shift.attempts.held and not node.shift.attempts.held[1, 1].is_waiting)
        monkeypatch.setattr(node.shift.probe, "unused_seconds", lambda: 0.0)
        await gateway.say(protocol.Limits(at=1, idle_seconds=300))
        await gateway.say(protocol.Pace(report_seconds=0.0))
        await gateway.until(lambda: any(isinstance(m, protocol.Heartbeat) and m.resting == "in_use" for m in gateway.heard))
        handed_back = await gateway.hear(protocol.Failed, 2)
        assert handed_back.reason == "paused"
        node.runner.gate.set()
        await node.finish(1)

    async def test_what_comes_all_the_same_is_not_taken(self, gateway, node, monkeypatch):
        monkeypatch.setattr(node.shift.probe, "unused_seconds", lambda: 0.0)
        await gateway.say(protocol.Limits(at=1, idle_seconds=300))
        await gateway.say(protocol.Pace(report_seconds=0.0))
        await until(lambda: node.shift.restraint.resting == "in_use")
        await node.assign(node.assignment(1))
        monkeypatch.setattr(node.shift.probe, "unused_seconds", lambda: 900.0)
        await until(lambda: node.shift.restraint.resting == "")
        assert not node.shift.attempts.held
        await node.assign(node.assignment(1))
        await node.finish(1)


class PauseTests:
    """By somebody on this machine; heartbeats are a minute apart, so what is heard is said at once."""

    def rests(self, gateway) -> list[str]:
        return [message.resting for message in gateway.heard if isinstance(message, protocol.Heartbeat)]

    async def test_the_server_is_told_at_once_and_when_it_is_over(self, gateway, node):
        await node.shift.pause(at_once=False)
        await gateway.until(lambda: self.rests(gateway) == ["paused_here"])
        node.shift.resume()
        await gateway.until(lambda: self.rests(gateway) == ["paused_here", ""])
        await node.assign(node.assignment(1))
        await node.finish(1)

    async def test_what_runs_is_finished_and_what_is_next_goes_back(self, gateway, node):
        node.runner.gate.clear()
        await node.assign(node.assignment(1), node.assignment(2, place=1))
        await gateway.hear(protocol.Started, 1)
        await node.shift.pause(at_once=False)
        assert (await gateway.hear(protocol.Failed, 2)).reason == "paused"
        node.runner.gate.set()
        await node.finish(1)

    async def test_at_once_what_runs_goes_back_too(self, gateway, node):
        await node.assign(node.assignment(1, **LONG))
        await gateway.hear(protocol.Progress, 1)
        await node.shift.pause(at_once=True)
        assert (await gateway.hear(protocol.Failed, 1)).reason == "paused"
        assert not node.shift.attempts.held

    async def test_at_once_a_picture_that_is_finished_is_kept_and_paid(self, gateway, node):
        node.runner.looking.clear()
        await node.assign(node.assignment(1))
        await until(lambda: node.runner.shot == [1])
        await until(lambda: all(held.ending for held in node.shift.attempts.held.values()))
        await node.shift.pause(at_once=True)
        node.runner.looking.set()
        await node.finish(1)

    async def test_at_once_a_picture_that_waits_for_the_one_before_is_kept_and_paid(self, gateway, node):
        node.runner.looking.clear()
        await node.assign(node.assignment(1), node.assignment(2, place=1))
        await until(lambda: 0 in node.shift.attempts.lanes and node.shift.attempts.lanes[0].ending._waiters)
        await node.shift.pause(at_once=True)
        node.runner.looking.set()
        await node.finish(1)
        await node.finish(2)
        assert gateway.order(protocol.Failed) == []

    async def test_at_once_nothing_ends_while_another_is_given_back(self, gateway, node, monkeypatch):
        """The second slot's picture would be finished while the first one's failure is said, and its own failure after it."""
        send, busy = node.shift.line.send, asyncio.Event()

        async def send_slowly(message):
            if isinstance(message, protocol.Failed):
                await busy.wait()
            return await send(message)

        monkeypatch.setattr(node.shift.line, "send", send_slowly)
        node.runner.gate.clear()
        await node.assign(node.assignment(1), node.assignment(2, slot=1))
        await gateway.hear(protocol.Started, 1)
        await gateway.hear(protocol.Started, 2)
        pausing = asyncio.create_task(node.shift.pause(at_once=True))
        await until(lambda: (1, 1) not in node.shift.attempts.held)
        node.runner.gate.set()
        await until(lambda: not node.shift.attempts.held)
        busy.set()
        await pausing
        await gateway.hear(protocol.Failed, 2)
        assert gateway.order(protocol.Rendered) == []
        assert node.runner.shot == []

    async def test_what_comes_before_the_server_knows_is_not_taken(self, gateway, node):
        node.shift.state.pause()
        await node.shift._assigned([node.assignment(1)])
        assert not node.shift.attempts.held

    async def test_a_pause_outlives_the_program(self, gateway, node):
        await node.shift.pause(at_once=False)
        await node.stop()
        node.start()
        await gateway.signed_on(2)
        await gateway.until(lambda: self.rests(gateway) == ["paused_here", "paused_here"])

    async def test_a_pause_that_cannot_be_kept_is_an_error_and_the_node_goes_on(self, gateway, node):
        (node.state.folder / "paused").symlink_to("/nowhere/paused")
        with pytest.raises(OSError, match="paused"):
            await node.shift.pause(at_once=True)
        assert not node.shift.takes_nothing


class OverviewTests:
    async def test_it_is_asked_for_while_somebody_looks_and_not_again_at_once(self, gateway, node):
        for _ in range(3):
            await node.shift.ask_overview()
        await gateway.hear(protocol.AskOverview)
        told = protocol.Overview(stands="Online, idle", earned_today_micros=5)
        await gateway.say(told)
        await until(lambda: node.shift.overview == told)
        assert len([message for message in gateway.heard if isinstance(message, protocol.AskOverview)]) == 1

    async def test_without_a_line_it_is_asked_for_as_soon_as_there_is_one(self, gateway, node):
        link, node.shift.line.link = node.shift.line.link, None
        await node.shift.ask_overview()
        node.shift.line.link = link
        await node.shift.ask_overview()
        await gateway.hear(protocol.AskOverview)


class RunTests:
    async def test_a_frame_goes_all_the_way(self, gateway, node, server):
        await node.assign(node.assignment(1))
        assert (await gateway.hear(protocol.Received)).items == [(1, 1)]
        done = await node.finish(1)
        sent = bytes(server.uploads["/up-1-1"])
        assert hashlib.sha256(sent).hexdigest() == done.result.file_sha256
        assert gateway.order(protocol.Started, protocol.Rendered, protocol.Done)[:3] == [
            ("Started", 1), ("Rendered", 1), ("Done", 1),
        ]  # fmt: skip
        assert (node.due, node.shift.attempts.held) == ([], {})

    async def test_an_assignment_that_comes_twice_is_rendered_once(self, gateway, node):
        item = node.assignment(1)
        await node.assign(item, item)
        await gateway.hear(protocol.Rendered, 1)
        await node.assign(item)
        await gateway.hear(protocol.Received, number=2)
        await node.finish(1)
        assert gateway.order(protocol.Started) == [("Started", 1)]

    async def test_the_next_frame_renders_while_the_last_is_on_its_way(self, gateway, node):
        """No upload is waited for."""
        await node.assign(node.assignment(1), node.assignment(2, place=1))
        await gateway.hear(protocol.Rendered, 2)
        assert gateway.order(protocol.Rendered)[:2] == [("Rendered", 1), ("Rendered", 2)]
        assert gateway.order(protocol.Done) == []
        await node.finish(1)
        await node.finish(2)

    async def test_the_next_scene_is_fetched_while_a_frame_renders(self, gateway, node, server):
        await node.assign(node.assignment(1, **LONG), node.assignment(2, place=1, main="no_camera.blend"))
        await gateway.hear(protocol.Started, 1)
        await until(lambda: any(path == "/no_camera.blend" for _, path, _ in server.seen))
        assert 1 in [held.item.work_id for held in node.shift.attempts.held.values() if held.running]

    async def test_a_failure_is_repeated_until_it_is_recorded(self, gateway, node):
        await node.assign(node.assignment(1, main="no_camera.blend"))
        first, second = await gateway.hear(protocol.Failed, 1), await gateway.hear(protocol.Failed, 1, number=2)
        assert first == second
        assert (first.reason, node.due) == ("no_camera", [(1, "failed")])
        await node.record(1)
        assert node.due == []

    async def test_progress_is_a_few_messages(self, gateway, node, monkeypatch):
        monkeypatch.setattr(attempts, "PROGRESS_SECONDS", 1e9)
        await node.assign(node.assignment(1, **A_SECOND))
        await node.finish(1)
        assert len(gateway.order(protocol.Progress)) <= 1

    async def test_the_log_is_streamed_while_the_frame_renders(self, gateway, node, monkeypatch):
        monkeypatch.setattr(attempts, "LOG_SECONDS", 0.01)
        node.runner.gate.clear()
        await node.assign(node.assignment(1))
        await gateway.hear(protocol.Started, 1)
        log = node.shift.attempts.held[1, 1].log
        for number, words in enumerate((b"Fra:1\n", b"\x1b[31mSaved\n"), 1):
            log.add(words)
            await gateway.hear(protocol.LogLines, 1, number)
        told = [(message.offset, message.text) for message in gateway.heard if isinstance(message, protocol.LogLines)]
        assert told == [(0, "Fra:1\n"), (6, "Saved\n")]
        node.runner.gate.set()
        assert "Fra:1\nSaved\n" in (await node.finish(1)).log_tail

    async def test_expired_file_urls_are_renewed_over_the_socket(self, gateway, node, server):
        server.files["/fresh"] = server.files["/plain.blend"]
        item = node.assignment(1)
        item.spec.files[0].url = server.url + "/expired"
        await node.assign(item)
        await gateway.hear(protocol.NeedUrls, 1)
        urls = {item.spec.files[0].sha256: server.url + "/fresh"}
        await gateway.say(protocol.Urls(work_id=1, attempt=1, urls=urls))
        await node.finish(1)

    async def test_an_expired_grant_is_asked_for_again(self, gateway, node, server):
        await node.assign(node.assignment(1))
        await gateway.hear(protocol.Rendered, 1)
        server.statuses.extend([403])
        await node.grant(1)
        await gateway.hear(protocol.Rendered, 1, number=2)
        await node.grant(1)
        await gateway.hear(protocol.Done, 1)
        await node.record(1)


class OverlapTests:
    """While one picture is looked at, kept and reported, the next frame of the slot renders."""

    async def begin(self, gateway, node, *works: int, **first) -> None:
        """Nobody may look at a picture; the first of `works` is in Blender's past, the second in it or behind it."""
        node.runner.looking.clear()
        fields = [first] + [{}] * (len(works) - 1)
        items = [node.assignment(work, place=min(place, 1), **fields[place]) for place, work in enumerate(works)]
        await node.assign(*items)
        await gateway.hear(protocol.Started, works[1])

    async def test_the_next_one_begins_before_the_picture_is_looked_at(self, gateway, node):
        await self.begin(gateway, node, 1, 2)
        await until(lambda: node.runner.shot == [1, 2])
        assert gateway.order(protocol.Rendered) == []
        assert node.shift.holding() == [(1, 1), (2, 1)]
        node.runner.looking.set()
        await node.finish(1)
        await node.finish(2)
        order = list(dict.fromkeys(gateway.order(protocol.Started, protocol.Rendered)))
        assert order == [("Started", 1), ("Started", 2), ("Rendered", 1), ("Rendered", 2)]

    async def test_only_one_picture_waits_for_the_one_that_is_looked_at(self, gateway, node):
        await self.begin(gateway, node, 1, 2, 3)
        await until(lambda: node.runner.shot == [1, 2])
        lane = node.shift.attempts.lanes[0]
        await until(lambda: lane.ending._waiters)  # the second picture
        assert node.shift.attempts.held[3, 1].is_waiting
        node.runner.looking.set()
        for work_id in (1, 2, 3):
            await node.finish(work_id)
        assert [entry for entry in gateway.order(protocol.Started) if entry[1] == 3] == [("Started", 3)]

    async def test_nothing_is_said_before_it_is_kept(self, gateway, node, monkeypatch):
        kept = []
        put = node.shift.outbox.put
        monkeypatch.setattr(node.shift.outbox, "put", lambda report: (put(report), kept.append(report.work_id)))
        send = node.shift.line.send

        async def sent(message):
            if isinstance(message, protocol.Rendered):
                assert message.work_id in kept
            return await send(message)

        monkeypatch.setattr(node.shift.line, "send", sent)
        await node.assign(node.assignment(1), node.assignment(2, place=1))
        await node.finish(1)
        await node.finish(2)

    def entry_of(self, node):
        key = node.assignment(1).spec.scene_key
        return next(entry for entry in node.runner.pool.entries if entry.key[1] == key)

    async def test_a_wrong_picture_fails_its_own_attempt_and_ends_its_process(self, gateway, node):
        await self.begin(gateway, node, 1, 2)
        await until(lambda: node.runner.shot == [1, 2])
        entry = self.entry_of(node)
        node.shift.outbox.picture_path((1, 1)).write_bytes(b"no picture")
        node.runner.looking.set()
        assert (await gateway.hear(protocol.Failed, 1)).reason == "output_invalid"
        await node.finish(2)
        await node.record(1)
        assert not entry.blender.is_alive
        assert gateway.order(protocol.Failed)[0] == ("Failed", 1)
        assert ("Failed", 2) not in gateway.order(protocol.Failed)

    async def test_a_wrong_picture_does_not_end_the_frame_that_renders_by_now(self, gateway, node):
        """It is judged by itself; then its process ends."""
        node.runner.looking.clear()
        await node.assign(node.assignment(1), node.assignment(2, place=1, **LONG))
        await gateway.hear(protocol.Progress, 2)
        entry = self.entry_of(node)
        node.shift.outbox.picture_path((1, 1)).write_bytes(b"no picture")
        node.runner.looking.set()
        assert (await gateway.hear(protocol.Failed, 1)).reason == "output_invalid"
        assert (entry.blender.is_alive, entry.busy, entry.is_trusted) == (True, True, False)
        await gateway.say(protocol.Cancel(items=[(2, 1)], reason="the job was cancelled"))
        await until(lambda: not entry.blender.is_alive)

    async def test_cancelled_while_it_is_looked_at_it_is_forgotten_and_the_next_goes_on(self, gateway, node):
        await self.begin(gateway, node, 1, 2)
        await until(lambda: node.runner.shot == [1, 2])
        await gateway.say(protocol.Cancel(items=[(1, 1)], reason="the job was cancelled"))
        await until(lambda: node.shift.holding() == [(2, 1)])
        node.runner.looking.set()
        await node.finish(2)
        assert not list(node.shift.outbox.folder.iterdir())
        assert ("Rendered", 1) not in gateway.order(protocol.Rendered)

    async def test_cancelled_while_it_waits_to_be_looked_at_it_is_forgotten(self, gateway, node):
        await self.begin(gateway, node, 1, 2, 3)
        lane = node.shift.attempts.lanes[0]
        await until(lambda: lane.ending._waiters)
        await gateway.say(protocol.Cancel(items=[(2, 1)], reason="the job was cancelled"))
        await gateway.hear(protocol.Started, 3)
        node.runner.looking.set()
        await node.finish(1)
        await node.finish(3)
        assert not list(node.shift.outbox.folder.iterdir())
        assert ("Rendered", 2) not in gateway.order(protocol.Rendered)

    async def test_cancelling_what_renders_leaves_the_picture_before_it_alone(self, gateway, node):
        node.runner.looking.clear()
        await node.assign(node.assignment(1), node.assignment(2, place=1, **LONG))
        await gateway.hear(protocol.Progress, 2)
        await gateway.say(protocol.Cancel(items=[(2, 1)], reason="the job was cancelled"))
        await until(lambda: not [entry for entry in node.runner.pool.entries if entry.busy])
        node.runner.looking.set()
        await node.finish(1)
        assert node.shift.holding() == []

    async def test_a_line_that_breaks_meanwhile_names_both(self, gateway, node):
        await self.begin(gateway, node, 1, 2)
        await until(lambda: node.runner.shot == [1, 2])
        await gateway.drop()
        assert (await gateway.signed_on(2)).holding == [(1, 1), (2, 1)]
        node.runner.looking.set()
        await node.finish(1)
        await node.finish(2)

    async def test_a_drain_finishes_both(self, gateway, node):
        await self.begin(gateway, node, 1, 2)
        node.shift.drain()
        await gateway.hear(protocol.Draining)
        node.runner.looking.set()
        await node.finish(1)
        await node.finish(2)
        assert await node.end() == 0
        assert gateway.order(protocol.Failed) == []


class FaultTests:
    async def test_a_line_that_breaks_in_the_middle_of_a_frame_costs_nothing(self, gateway, node):
        node.runner.gate.clear()
        await node.assign(node.assignment(1))
        await gateway.hear(protocol.Started, 1)
        await gateway.drop()
        assert (await gateway.signed_on(2)).holding == [(1, 1)]
        await gateway.hear(protocol.Started, 1, number=2)  # the first may have been lost with the line
        node.runner.gate.set()
        await node.finish(1)
        assert gateway.order(protocol.Failed) == []

    async def test_a_clock_that_is_two_hours_off_changes_nothing(self, gateway, node, monkeypatch):
        """No message is judged by the node's clock: neither here nor on the server."""
        real = time.time
        monkeypatch.setattr("time.time", lambda: real() + 7_200)
        await node.assign(node.assignment(1))
        done = await node.finish(1)
        assert done.result.render_seconds < 600
        monkeypatch.setattr("time.time", lambda: real() - 7_200)
        await node.assign(node.assignment(2))
        assert 0 <= (await node.finish(2)).result.render_seconds < 600
        assert gateway.order(protocol.Failed) == []

    async def test_a_report_lost_with_the_line_is_said_again(self, gateway, node, monkeypatch):
        monkeypatch.setattr(deliveries, "RESEND_SECONDS", 600)  # at the sign-on, not some time later
        await node.assign(node.assignment(1))
        await gateway.hear(protocol.Rendered, 1)
        await node.grant(1)
        await gateway.hear(protocol.Done, 1)
        await gateway.drop()
        assert (await gateway.signed_on(2)).holding == [(1, 1)]
        await gateway.hear(protocol.Done, 1, number=2)
        await node.record(1)

    async def test_a_rendered_frame_survives_a_killed_agent(self, gateway, node, server):
        await node.assign(node.assignment(1))
        rendered = await gateway.hear(protocol.Rendered, 1)
        await node.stop()
        gateway.heard.clear()
        node.start()
        assert (await gateway.signed_on(2)).holding == [(1, 1)]
        done = await node.finish(1)
        assert done.result == rendered.result
        assert hashlib.sha256(server.uploads["/up-1-1"]).hexdigest() == rendered.result.file_sha256
        assert gateway.order(protocol.Started) == []

    async def test_a_stale_report_leaves_the_outbox(self, gateway, node):
        await node.assign(node.assignment(1))
        await gateway.hear(protocol.Rendered, 1)
        await node.record(1, stale=True)
        assert (node.due, node.shift.holding()) == ([], [])

    async def test_a_newer_attempt_replaces_the_older(self, gateway, node):
        await node.assign(node.assignment(1, **LONG))
        await gateway.hear(protocol.Started, 1)
        await node.assign(node.assignment(1, attempt=2))
        rendered = await gateway.hear(protocol.Rendered, 1)
        assert rendered.attempt == 2

    @pytest.mark.parametrize(
        "frame",
        ["words", b"", b"\xc1 no message", b"\x81\xa4type\xa6Assign", b"\x82\xa4type\xa6Assign\xa5items\xc0", b"x" * (9 << 20)],
        ids=["text", "empty", "garbage", "half", "wrong", "huge"],
    )
    async def test_nonsense_of_a_server_costs_the_line_and_no_frame(self, gateway, node, frame):
        node.runner.gate.clear()
        await node.assign(node.assignment(1))
        await gateway.hear(protocol.Started, 1)
        with contextlib.suppress(ConnectionClosed):
            await gateway.socket.send(frame)
        assert (await gateway.signed_on(2)).holding == [(1, 1)]
        node.runner.gate.set()
        await node.finish(1)

    async def test_a_file_that_is_not_what_the_server_says_is_not_rendered(self, gateway, node, monkeypatch):
        monkeypatch.setattr(transfers, "TRIES", 2)
        item = node.assignment(1)
        node.server.files["/plain.blend"] = b"BLENDER of somebody else"
        await node.assign(item)
        assert (await gateway.hear(protocol.Failed, 1)).reason == "asset_missing"
        assert gateway.order(protocol.Started) == []
        await node.record(1)

    async def test_an_upload_that_is_cut_goes_on(self, gateway, node, server):
        await node.assign(node.assignment(1))
        rendered = await gateway.hear(protocol.Rendered, 1)
        server.cuts.append(100)
        await node.grant(1)
        await gateway.hear(protocol.Done, 1)
        assert hashlib.sha256(server.uploads["/up-1-1"]).hexdigest() == rendered.result.file_sha256
        assert [detail for method, path, detail in server.seen if method == "PATCH"] == ["0", "100"]
        await node.record(1)

    async def test_what_is_recorded_is_not_said_again_after_a_restart(self, gateway, node):
        await node.assign(node.assignment(1), node.assignment(2, main="no_camera.blend", place=1))
        await node.finish(1)
        await gateway.hear(protocol.Failed, 2)
        await node.stop()
        gateway.heard.clear()
        node.start()
        assert (await gateway.signed_on(2)).holding == [(2, 1)]
        await gateway.hear(protocol.Failed, 2)
        await node.record(2)
        await node.stop()
        gateway.heard.clear()
        node.start()
        assert (await gateway.signed_on(3)).holding == []
        await node.assign(node.assignment(3))
        await node.finish(3)
        assert {work_id for _, work_id in gateway.order(protocol.Rendered, protocol.Done, protocol.Failed)} == {3}

    async def test_a_disk_that_takes_no_report_is_told_and_frees_the_slot(self, gateway, node, monkeypatch):
        """The outbox cannot be written: the attempt fails, remembered in memory alone."""
        folder = node.shift.outbox.folder
        node.runner.gate.clear()
        await node.assign(node.assignment(1))
        await gateway.hear(protocol.Started, 1)
        folder.rename(folder.with_name("gone"))
        folder.write_bytes(b"in the way")
        node.runner.gate.set()
        assert (await gateway.hear(protocol.Failed, 1)).reason in {"agent_error", "disk_full"}
        folder.unlink()
        folder.with_name("gone").rename(folder)
        await node.record(1)
        await node.assign(node.assignment(2))
        await node.finish(2)

    async def test_a_message_of_a_newer_server_is_passed_over(self, gateway, node):
        import msgspec

        await gateway.socket.send(msgspec.msgpack.encode({"type": "Applause", "volume": 11}))
        await node.assign(node.assignment(1))
        await node.finish(1)
        assert len(gateway.hellos) == 1


class CancelTests:
    async def cancel(self, gateway, *keys):
        await gateway.say(protocol.Cancel(items=list(keys), reason="the job was cancelled"))

    async def test_a_running_frame_stops_at_once_and_the_next_begins(self, gateway, node):
        await node.assign(node.assignment(1, **LONG), node.assignment(2, place=1))
        await gateway.hear(protocol.Progress, 1)
        box = next(entry.blender.box for entry in node.runner.pool.entries if entry.busy)
        inside = psutil.Process(box.process.pid).children(recursive=True)
        await self.cancel(gateway, (1, 1))
        await gateway.hear(protocol.Started, 2)
        assert not box.is_alive
        await until(lambda: not [process for process in inside if process.is_running() and process.status() != "zombie"])
        await gateway.hear(protocol.Rendered, 2)
        assert not [entry for entry in gateway.order(protocol.Failed, protocol.Rendered) if entry[1] == 1]
        assert not list(node.shift.outbox.folder.glob("*1-1.*"))

    async def test_a_frame_whose_files_are_on_their_way_is_forgotten(self, gateway, node, server):
        server.held_up.add("/no_camera.blend")
        await node.assign(node.assignment(1, main="no_camera.blend"), node.assignment(2, place=1))
        await until(lambda: any(path == "/no_camera.blend" for _, path, _ in server.seen))
        await self.cancel(gateway, (1, 1))
        await node.finish(2)
        assert node.shift.holding() == []
        assert node.shift.store.used_by == {}
        assert gateway.order(protocol.Started) == [("Started", 2)]

    async def test_a_frame_that_is_being_sent_is_forgotten(self, gateway, node, server):
        server.held_up.add("/up-1-1")
        await node.assign(node.assignment(1), node.assignment(2, place=1))
        await gateway.hear(protocol.Rendered, 1)
        await node.grant(1)
        await until(lambda: any(path == "/up-1-1" for _, path, _ in server.seen))
        await self.cancel(gateway, (1, 1))
        await node.finish(2)
        assert (node.due, node.shift.holding()) == ([], [])
        assert ("Done", 1) not in gateway.order(protocol.Done)

    async def test_a_waiting_frame_never_runs(self, gateway, node):
        node.runner.gate.clear()
        await node.assign(node.assignment(1), node.assignment(2, place=1))
        await gateway.hear(protocol.Started, 1)
        await self.cancel(gateway, (2, 1))
        await until(lambda: (2, 1) not in node.shift.attempts.held)
        node.runner.gate.set()
        await node.finish(1)
        assert node.shift.holding() == []
        assert gateway.order(protocol.Started) == [("Started", 1)]

    async def test_a_rendered_frame_is_thrown_away(self, gateway, node):
        await node.assign(node.assignment(1))
        await gateway.hear(protocol.Rendered, 1)
        await self.cancel(gateway, (1, 1))
        await until(lambda: not node.due)
        assert node.shift.holding() == []


class DrainTests:
    async def test_what_runs_is_finished_and_the_rest_handed_back(self, gateway, node):
        node.runner.gate.clear()
        await node.assign(node.assignment(1), node.assignment(2, place=1))
        await gateway.hear(protocol.Started, 1)
        node.shift.drain()
        assert (await gateway.hear(protocol.Failed, 2)).reason == "shutting_down"
        node.runner.gate.set()
        await node.finish(1)
        await gateway.hear(protocol.SignOff)
        assert await node.end() == 0
        assert isinstance(gateway.heard[-1], protocol.SignOff)

    async def test_asked_twice_it_stops_at_once(self, gateway, node):
        await node.assign(node.assignment(1, **LONG))
        await gateway.hear(protocol.Started, 1)
        node.shift.drain()
        await gateway.hear(protocol.Draining)
        node.shift.drain()
        assert (await gateway.hear(protocol.Failed, 1)).reason == "shutting_down"
        assert await node.end() == 0

    async def test_an_idle_node_leaves_at_once(self, gateway, node):
        node.shift.drain()
        await gateway.hear(protocol.SignOff)
        assert await node.end() == 0

    async def test_without_a_server_it_does_not_wait_for_one(self, gateway, node):
        await node.assign(node.assignment(1))
        await gateway.hear(protocol.Rendered, 1)
        await gateway.__aexit__()
        await until(lambda: node.shift.line.link is None)
        node.shift.drain()
        assert await node.end() == 0
        assert node.due == [(1, "rendered")]


class Preparing:
    """Updates whose next release is ready when the test says so."""

    def __init__(self) -> None:
        self.begun, self.ready = threading.Event(), threading.Event()
        self.put_off = mock.Mock()

    def prepare(self) -> Release:
        self.begun.set()
        self.ready.wait(60)
        return Release(Path("/nowhere"), mock.Mock(number=2, version="0.2.0"))

    def build(self) -> protocol.Build:
        return protocol.Build()

    def halt(self) -> None:
        """Too late for what has begun."""


class UpdateTests:
    @pytest.fixture
    def preparing(self, node):
        node.shift.updates = made = Preparing()
        yield made
        made.ready.set()

    async def prepare(self, node) -> asyncio.Task:
        task = node.shift.line.start(node.shift._update(asyncio.get_running_loop().time))
        await until(node.shift.updates.begun.is_set)
        return task

    async def test_stopped_while_a_release_is_made_ready_it_finishes_what_runs_and_ends_for_good(
        self, gateway, node, preparing
    ):
        node.runner.gate.clear()
        await node.assign(node.assignment(1))
        await gateway.hear(protocol.Started, 1)
        task = await self.prepare(node)
        node.shift.stop()
        preparing.ready.set()
        await task
        node.runner.gate.set()
        await node.finish(1)
        assert await node.end() == 0
        assert node.shift.successor is None
        assert not any(isinstance(message, protocol.Failed) for message in gateway.heard)

    async def test_stopped_with_nothing_to_do_it_waits_for_no_release(self, gateway, node, preparing):
        await self.prepare(node)
        node.shift.stop()
        assert await node.end() == 0
        assert not preparing.ready.is_set()

    async def test_a_disk_that_fails_puts_the_release_off(self, gateway, node, preparing):
        preparing.prepare = mock.Mock(side_effect=OSError(errno.EROFS, "Read-only file system"))
        await node.shift._update(asyncio.get_running_loop().time)
        preparing.put_off.assert_called_once()
        assert "Read-only file system" in node.said.getvalue()


class ProgramTests:
    """The program itself, as an owner starts it."""

    async def start(self, gateway, tmp_path):
        (tmp_path / "node.toml").write_text(f'server_url = "{gateway.url}"\nworker_uid = "w_test"\ntoken = "secret"\n')
        command = agent_command("run", "--config", tmp_path / "node.toml", "--state", tmp_path / "program")
        environment = {**os.environ, "BLENDER_PYTHON": blender_python()}
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
        await gateway.signed_on()
        return process

    async def test_sigterm_ends_it_cleanly(self, gateway, server, runner, tmp_path):
        process = await self.start(gateway, tmp_path)
        node = Node(gateway, server, runner, tmp_path / "unused")
        await node.assign(node.assignment(1, **A_SECOND))
        await gateway.hear(protocol.Started, 1)
        process.send_signal(signal.SIGTERM)
        await gateway.hear(protocol.Rendered, 1)
        await node.grant(1)
        await gateway.hear(protocol.Done, 1)
        await gateway.say(protocol.Recorded(work_id=1, attempt=1))
        out, _ = await asyncio.wait_for(process.communicate(), 90)
        assert process.returncode == 0
        assert b"Rendered frame 1" in out

    async def test_killed_in_the_middle_of_a_frame_it_leaves_no_blender_behind(self, gateway, server, runner, tmp_path):
        process = await self.start(gateway, tmp_path)
        node = Node(gateway, server, runner, tmp_path / "unused")
        await node.assign(node.assignment(1, **LONG))
        await gateway.hear(protocol.Started, 1)
        mark = str(tmp_path / "program")
        assert processes_with(mark)
        process.kill()
        await process.communicate()
        await until(lambda: not processes_with(mark))
