"""Benchmarks of nodes: asked for when nothing else is to be done, believed when the work was done, and what follows for the score."""

import hashlib
import tomllib
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import ClassVar

import msgspec
import numpy as np
import OpenImageIO as oiio
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import Q
from django.urls import reverse

from common import clock
from pictor_agent import pixels, protocol, reference
from pictor_agent.challenge import Answer, Challenge, answer
from tests.workers import builders
from tests.workers.builders import NOW, feed
from tests.workers.scripted import ScriptedNode, db, until
from workers import (
    background,
    benchmark_runs,
    benchmark_scores,
    benchmarks,
    canary_check,
    gateway,
    judging,
    scoring,
    services,
    switchboard,
)
from workers.models import BenchmarkRun, Cached, Lease, Work, Worker, WorkerEvent
from workers.refusals import WORDS, Refusal
from workers.sharing import ECONOMY
from workers.states import BENCHMARK_MOVES, BENCHMARK_TONES, BenchmarkStatus, ReturnReason

LONG_AGO = NOW - timedelta(days=1)


@pytest.fixture(autouse=True)
def _real_kinds(toy, settings, monkeypatch):
    settings.WORK_KINDS = "tests.workers.test_benchmarks.WORK_KINDS"
    monkeypatch.setattr(canary_check, "render_piece", lambda piece, **_: canary_check.cut(noise(Measured.rendered), piece))
    monkeypatch.setattr(Measured, "rendered", 1)
    monkeypatch.setattr(reference, "SIDE", 16)
    monkeypatch.setattr(reference, "BLOCKS", 24)


WORK_KINDS = {"toy": "tests.workers.toy.Toy", "benchmark": "workers.benchmark_work.BenchmarkWork"}


def idle(**changes) -> Worker:
    """A node that has been online for a day without work."""
    return builders.worker(**({"connected_at": LONG_AGO, "hardware_at": LONG_AGO, "device": "CPU"} | changes))


def noise(seed: int, size=(reference.WIDTH, reference.HEIGHT)) -> np.ndarray:
    return np.random.default_rng(seed).random((size[1], size[0], 3), dtype=np.float32)


def picture_of(path, *, seed: int, size=(reference.WIDTH, reference.HEIGHT)) -> tuple[bytes, str]:
    """A picture of noise, and the hash of its pixels."""
    target = path / f"{seed}.exr"
    out = oiio.ImageOutput.create(str(target))
    assert out.open(str(target), oiio.ImageSpec(*size, 3, "half"))
    assert out.write_image(noise(seed, size))
    out.close()
    return target.read_bytes(), pixels.decode(target, pixels_max=size[0] * size[1]).sha256


@dataclass
class Measured:
    """A node that is measured, step by step, as an honest one would do it; a test bends one step."""

    node: Worker
    folder: object
    at: object = NOW
    solve_seconds: float = 2.0
    frame_seconds: float = 5.28
    claimed_seconds: float = 5.28
    picture: int = 1
    gpu_shown: bytes = b""
    rendered: ClassVar[int] = 1  # what the server's own Blender makes of any seed

    def ask(self) -> BenchmarkRun:
        self.run = services.ask_for_benchmark(self.node, now=self.at)
        return self.run

    def lease(self) -> Lease:
        feed(self.at)
        self.run.refresh_from_db()
        self.held = Lease.objects.get(work__kind="benchmark", work__reference=self.run.pk)
        builders.report(self.held, protocol.Started, now=self.at)
        return self.held

    def commit(self, root: bytes | None = None) -> protocol.Show | None:
        self.solved = answer(benchmark_runs.challenge_of(self.run))
        self.committed_at = self.at + timedelta(seconds=self.solve_seconds)
        said = protocol.Committed(work_id=self.held.work_id, attempt=self.held.attempt, root=root or self.solved.root)
        return benchmark_runs.commit_run(self.run.pk, self.node.pk, said, self.committed_at)

    def send(
        self, show: protocol.Show, *, solved: Answer | None = None, promised: str = "", size=(640, 360), **changes
    ) -> None:
        """Promise, send and report; the file is in the store then."""
        canary, sha256 = picture_of(self.folder, seed=self.picture, size=size)
        file = protocol.BenchmarkFile(
            opening=(solved or self.solved).opening(show.blocks), canary=canary, memory_bytes_per_second=10**10,
            gpu_openings=self.gpu_shown,
        )  # fmt: skip
        content = changes.pop("content", msgspec.msgpack.encode(file))
        result = builders.result(
            file_sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content), pixels_sha256=promised or sha256,
            render_seconds=self.claimed_seconds, **({"width": 640, "height": 360} | changes),
        )  # fmt: skip
        rendered_at = self.committed_at + timedelta(seconds=self.frame_seconds)
        self.granted = builders.report(self.held, protocol.Rendered, now=rendered_at, result=result)
        if isinstance(self.granted, protocol.UploadGrant):
            self.run.refresh_from_db()
            default_storage.save(self.run.storage_key, ContentFile(content))
            builders.report(self.held, protocol.Done, now=rendered_at, result=result)
        self.run.refresh_from_db()

    def judge(self, *, rendered: int | None = None) -> BenchmarkRun:
        Measured.rendered = self.picture if rendered is None else rendered
        judging.judge_run(self.run.pk, now=self.at + timedelta(minutes=1))
        self.run.refresh_from_db()
        self.node.refresh_from_db()
        return self.run

    def all(self) -> BenchmarkRun:
        self.ask()
        self.lease()
        self.send(self.commit())
        return self.judge()


def measured(node: Worker, tmp_path, **changes) -> Measured:
    return Measured(node, tmp_path, **changes)


@pytest.mark.django_db
class DueTests:
    def test_an_idle_node_is_measured_once(self):
        node = idle()
        assert benchmarks.queue_due(now=NOW) == 1
        assert benchmarks.queue_due(now=NOW) == 0
        work = Work.objects.get()
        assert (work.kind, work.tier, work.requirements["node_only"]) == ("benchmark", ECONOMY, node.pk)

    @pytest.mark.parametrize(
        "changes",
        [
            {"connected_at": NOW - timedelta(minutes=9)},
            {"protocol": protocol.BENCHMARK_SINCE - 1},
            {"blender_versions": ["4.2.23"]},
            {"status": "paused"},
            {"closed_by": "schedule"},
            {"resting": "in_use"},
            {"benchmark_due_at": NOW + timedelta(days=3)},
        ],
    )
    def test_a_node_is_left_alone_that_has_just_come_or_cannot_or_is_not_due(self, changes):
        node = idle(**changes)
        BenchmarkRun.objects.create(worker=node, status="passed", created_at=NOW - timedelta(hours=1))
        assert benchmarks.queue_due(now=NOW) == 0

    def test_nobody_waits_behind_nodes_that_work_waits_for(self, monkeypatch):
        monkeypatch.setattr(benchmarks, "LOOKED_AT", 1)
        idle(ram_bytes=64 << 30)
        small = idle(ram_bytes=8 << 30)
        builders.enqueue(1, ram_bytes_min=32 << 30)
        assert any(benchmarks.queue_due(now=NOW) for _ in range(50)), "as likely as not each time"
        assert BenchmarkRun.objects.get().worker == small

    def test_work_that_was_queued_before_an_update_is_not_begun_by_an_agent_that_cannot_answer(self, tmp_path):
        node = idle()
        run = services.ask_for_benchmark(node, now=NOW)
        before = protocol.BENCHMARK_SINCE - 1
        Work.objects.update(requirements={"node_only": node.pk, "protocol_min": before})
        Worker.objects.filter(pk=node.pk).update(protocol=before)
        feed(NOW)
        assert benchmarks.give_up(now=NOW + timedelta(hours=3)) == 1
        run.refresh_from_db()
        assert (run.attempt, run.reason) == (0, "given_up")
        assert run.reason in benchmark_scores.OURS

    def test_work_of_anybody_comes_first_where_the_node_could_do_it(self):
        idle()
        builders.enqueue(1)
        assert benchmarks.queue_due(now=NOW) == 0

    @pytest.mark.parametrize("needs", [{"engine": "eevee"}, {"vram_bytes_min": 2**40}, {"owner_only": 10**6}])
    def test_work_that_the_node_cannot_do_keeps_it_from_nothing(self, needs):
        idle()
        builders.enqueue(1, **needs)
        assert benchmarks.queue_due(now=NOW) == 1

    def test_a_node_that_works_or_worked_a_moment_ago_is_left_alone(self):
        idle()
        builders.enqueue(1)
        feed()
        Cached.objects.create(worker=idle(), affinity="a" * 64, used_at=NOW - timedelta(minutes=5))
        assert Lease.objects.count() == 1
        assert benchmarks.queue_due(now=NOW) == 0

    def test_other_hardware_is_measured_again_before_its_time(self):
        node = idle(benchmark_due_at=NOW + timedelta(days=3), hardware_at=NOW - timedelta(hours=1))
        BenchmarkRun.objects.create(worker=node, status="passed", created_at=NOW - timedelta(hours=2))
        assert benchmarks.queue_due(now=NOW) == 1

    def test_a_week_or_so_later_it_is_measured_again(self, tmp_path):
        node = idle()
        measured(node, tmp_path).all()
        low, high = (timedelta(days=days) for days in scoring.EVERY_DAYS)
        assert low <= node.benchmark_due_at - NOW - timedelta(minutes=1) <= high
        assert benchmarks.queue_due(now=NOW + low - timedelta(minutes=5)) == 0
        assert benchmarks.queue_due(now=NOW + high + timedelta(minutes=5)) == 1

    def test_it_goes_to_the_node_that_it_is_about(self, tmp_path):
        node, other = idle(), idle()
        case = measured(node, tmp_path)
        case.ask()
        assert case.lease().worker_id == node.pk != other.pk

    def test_it_begins_when_the_node_has_ended_its_other_work(self, tmp_path):
        """Next to a frame of half an hour it would be too late before it began; beside one its seconds were not its own."""
        node = idle(slots=2)
        builders.enqueue(1)
        feed()
        case = measured(node, tmp_path)
        case.ask()
        feed()
        assert not Lease.objects.filter(work__kind="benchmark").exists()
        builders.report(builders.lease(1), protocol.Failed, reason="renderer_crashed")
        assert case.lease().worker_id == node.pk

    def test_other_work_of_the_same_moment_comes_first(self, tmp_path):
        node = idle(slots=2)
        case = measured(node, tmp_path)
        case.ask()
        builders.enqueue(1)
        feed()
        assert builders.lease(1).worker_id == node.pk
        assert not Lease.objects.filter(work__kind="benchmark").exists()

    def test_its_node_gets_nothing_else_until_it_is_over(self, tmp_path):
        case = measured(idle(slots=2), tmp_path)
        case.ask()
        case.lease()
        builders.enqueue(1, 2, 3)
        feed()
        assert Lease.objects.count() == 1
        case.send(case.commit())
        feed()
        assert Lease.objects.count() == 3, "two run and one is next"

    def test_its_owner_may_ask_once_an_hour(self):
        node = idle()
        run = services.ask_for_benchmark(node, now=NOW, by_owner=True)
        with pytest.raises(services.NotNow, match="already"):
            services.ask_for_benchmark(node, now=NOW, by_owner=True)
        BenchmarkRun.objects.filter(pk=run.pk).update(status="failed")
        with pytest.raises(services.NotNow, match="within the last hour"):
            services.ask_for_benchmark(node, now=NOW + timedelta(minutes=59), by_owner=True)
        services.ask_for_benchmark(node, now=NOW + timedelta(minutes=61), by_owner=True)

    def test_what_nobody_begins_is_given_up(self):
        run = services.ask_for_benchmark(idle(), now=NOW)
        assert benchmarks.give_up(now=NOW + timedelta(minutes=9)) == 0
        assert benchmarks.give_up(now=NOW + timedelta(minutes=11)) == 1
        run.refresh_from_db()
        assert (run.status, Work.objects.count()) == ("failed", 0)

    def test_what_its_owner_asked_for_waits_until_the_node_is_free(self):
        services.ask_for_benchmark(idle(), now=NOW, by_owner=True)
        assert benchmarks.give_up(now=NOW + timedelta(hours=5)) == 0
        assert benchmarks.give_up(now=NOW + timedelta(hours=7)) == 1


@pytest.mark.django_db
class RunTests:
    def test_a_measured_node_has_the_score_of_its_seconds(self, tmp_path):
        node = idle()
        run = measured(node, tmp_path).all()
        assert (run.status, run.reason, run.believed) == ("passed", "", True)
        assert (run.canary_ms, run.memory_bytes_per_second) == (5_280, 10**10)
        assert node.score_milli == 1_000
        assert WorkerEvent.objects.get(kind="benchmark").detail == "1.00 × the reference"
        assert not default_storage.exists(run.storage_key)

    def test_every_attempt_has_seeds_of_its_own(self, tmp_path):
        case = measured(idle(), tmp_path)
        case.ask()
        case.lease()
        first = bytes(case.run.seed)
        services.return_leases(Q(pk=case.held.pk), ReturnReason.LEASE_EXPIRED, now=NOW)
        case.lease()
        assert len(first) == 32
        assert bytes(case.run.seed) != first

    def test_what_is_to_be_shown_is_drawn_after_the_commitment_and_once(self, tmp_path):
        case = measured(idle(), tmp_path)
        case.ask()
        case.lease()
        assert case.run.shown == []
        show = case.commit()
        assert case.commit() == show
        assert case.commit(root=b"x" * 32) is None
        case.run.refresh_from_db()
        assert (case.run.shown, case.run.canary_seed) == (show.blocks, show.seed)

    def test_without_a_commitment_nothing_is_taken(self, tmp_path):
        case = measured(idle(), tmp_path)
        case.ask()
        case.lease()
        case.commit()
        BenchmarkRun.objects.update(committed_at=None)
        case.send(protocol.Show(work_id=1, attempt=1, blocks=[1], seed=1))
        assert not isinstance(case.granted, protocol.UploadGrant)
        assert case.run.status == "failed"

    def test_an_answer_of_an_earlier_attempt_is_none(self, tmp_path):
        case = measured(idle(), tmp_path)
        case.ask()
        case.lease()
        said = protocol.Committed(work_id=case.held.work_id, attempt=case.held.attempt + 1, root=b"r" * 32)
        assert benchmark_runs.commit_run(case.run.pk, case.node.pk, said, NOW) is None

    def test_the_sweep_judges_what_was_not_hinted_at(self, tmp_path, monkeypatch):
        case = measured(idle(), tmp_path)
        case.ask()
        case.lease()
        case.send(case.commit())
        assert case.run.status == "checking"
        background.sweep_benchmarks()
        case.run.refresh_from_db()
        assert case.run.status == "passed"

    def test_it_is_judged_once(self, tmp_path):
        case = measured(idle(), tmp_path)
        case.all()
        case.judge()
        assert WorkerEvent.objects.filter(kind="benchmark").count() == 1

    def test_a_node_that_is_paused_meanwhile_loses_nothing(self, tmp_path):
        case = measured(idle(), tmp_path)
        case.ask()
        case.lease()
        builders.report(case.held, protocol.Failed, reason="paused")
        case.run.refresh_from_db()
        assert (case.run.status, Work.objects.count(), case.node.score_milli) == ("failed", 0, 1_000)


@pytest.mark.django_db(transaction=True)
class SocketTests:
    async def test_over_its_socket_a_node_is_told_what_to_show_and_another_commitment_ends_it(self):
        board = switchboard.current()
        worker = await db(lambda: services.create_worker(builders.user(), "attic", now=NOW))
        config = tomllib.loads(await db(lambda: services.new_config(worker, now=clock.now())))
        node = ScriptedNode(config["worker_uid"], token=config["token"])
        await node.sign_on()
        await until(lambda: Worker.objects.filter(pk=worker.pk, status="online").exists())
        await db(lambda: services.ask_for_benchmark(worker, now=clock.now()))
        await db(lambda: feed(clock.now()))
        item = (await node.hear(protocol.Assign)).items[0]
        names = {"work_id": item.work_id, "attempt": item.attempt}
        solved = answer(Challenge(item.spec.seed, item.spec.side, item.spec.blocks))
        await node.say(protocol.Committed(**names, root=solved.root))
        show = await node.hear(protocol.Show)
        assert len(show.blocks) == 16
        await node.say(protocol.Committed(**names, root=b"x" * 32))
        assert (await node.hear(protocol.Cancel)).items == [(item.work_id, item.attempt)]
        await node.close()
        await board.stop()

    async def test_a_node_that_commits_without_end_is_told_so_and_asks_the_database_no_more(self, monkeypatch):
        board = switchboard.current()
        monkeypatch.setattr(gateway, "COMMITS_MAX", 3)
        asked = []
        monkeypatch.setattr(
            benchmark_runs, "commit_run", lambda run_id, worker_id, said, now: asked.append(said) or show_of(said)
        )
        worker = await db(lambda: services.create_worker(builders.user(), "attic", now=NOW))
        config = tomllib.loads(await db(lambda: services.new_config(worker, now=clock.now())))
        node = ScriptedNode(config["worker_uid"], token=config["token"])
        await node.sign_on()
        await until(lambda: Worker.objects.filter(pk=worker.pk, status="online").exists())
        await db(lambda: services.ask_for_benchmark(worker, now=clock.now()))
        await db(lambda: feed(clock.now()))
        item = (await node.hear(protocol.Assign)).items[0]
        for _ in range(9):
            await node.say(protocol.Committed(work_id=item.work_id, attempt=item.attempt, root=b"r" * 32))
        assert (await node.hear(protocol.Cancel)).items == [(item.work_id, item.attempt)]
        await node.say(protocol.NeedUrls(work_id=0, attempt=1))
        await node.hear(protocol.Cancel)  # everything before has come in by now
        assert board.connections[worker.pk].showing is not None
        await board.connections[worker.pk].showing
        assert len(asked) == 3
        await node.close()
        await board.stop()


def show_of(said: protocol.Committed) -> protocol.Show:
    return protocol.Show(work_id=said.work_id, attempt=said.attempt, blocks=[1], seed=1)


@pytest.mark.django_db
class LyingTests:
    def refused(self, case: Measured, **changes) -> str:
        run = case.judge(**changes)
        assert run.status == "refused"
        assert case.node.score_milli == 1_000
        assert WorkerEvent.objects.get(kind="benchmark-refused").detail == WORDS[run.reason]
        return run.reason

    def until_sent(self, case: Measured, **changes) -> Measured:
        case.ask()
        case.lease()
        case.send(case.commit(), **changes)
        return case

    def test_faster_than_matter(self, tmp_path):
        assert self.refused(self.until_sent(measured(idle(), tmp_path, solve_seconds=0.0))) == "too_fast"

    def test_too_late(self, tmp_path):
        assert self.refused(self.until_sent(measured(idle(), tmp_path, solve_seconds=901.0))) == "too_late"

    def test_the_answer_of_another_node(self, tmp_path):
        case = measured(idle(), tmp_path)
        case.ask()
        case.lease()
        honest = benchmark_runs.challenge_of(case.run)
        other = answer(replace(honest, seed=b"another node's seed, not this one"))
        show = case.commit(root=other.root)
        case.send(show, solved=other)
        assert self.refused(case) == "other_block"

    def test_another_answer_than_it_committed_to(self, tmp_path):
        case = measured(idle(), tmp_path)
        case.ask()
        case.lease()
        case.send(case.commit(root=b"x" * 32))
        assert self.refused(case) == "other_root"

    def test_bytes_that_are_no_answer(self, tmp_path):
        assert self.refused(self.until_sent(measured(idle(), tmp_path), content=b"\xc1 nothing")) == "malformed"

    def test_another_picture_than_it_promised(self, tmp_path):
        assert self.refused(self.until_sent(measured(idle(), tmp_path), promised="a" * 64)) == "picture"

    def test_a_smaller_picture_than_it_promised(self, tmp_path):
        assert self.refused(self.until_sent(measured(idle(), tmp_path), size=(64, 36))) == "picture"

    def test_a_picture_of_another_size_is_not_even_taken(self, tmp_path):
        case = self.until_sent(measured(idle(), tmp_path), width=64)
        assert (case.run.status, case.run.reason) == ("failed", "output_invalid")

    def test_the_picture_that_another_node_has_sent(self, tmp_path):
        assert measured(idle(), tmp_path, picture=5).all().status == "passed"
        case = self.until_sent(measured(idle(), tmp_path, picture=5, at=NOW + timedelta(minutes=5)))
        assert self.refused(case) == "copied"

    def test_a_picture_that_its_seed_does_not_give(self, tmp_path):
        assert self.refused(self.until_sent(measured(idle(), tmp_path)), rendered=2) == "not_rendered"

    def test_a_node_that_lies_has_no_more_than_one_that_was_never_measured(self, tmp_path):
        node = idle()
        Worker.objects.filter(pk=node.pk).update(score_milli=4_000)
        assert self.refused(self.until_sent(measured(node, tmp_path), promised="a" * 64)) == "picture"

    def test_absurdly_long_is_as_long_as_can_be(self, tmp_path):
        run = measured(idle(), tmp_path, claimed_seconds=10_000_000.0).all()
        assert (run.status, run.canary_ms) == ("passed", scoring.CANARY_MS_MAX)

    def test_what_we_stumble_over_is_looked_at_once(self, tmp_path, monkeypatch):
        """Else the sweep would begin with it for ever, and nobody would be measured."""
        case = self.until_sent(measured(idle(), tmp_path))
        monkeypatch.setattr(canary_check, "difference", lambda found, right: found - right[..., :2])
        background.sweep_benchmarks()
        case.run.refresh_from_db()
        assert (case.run.status, case.run.reason) == ("failed", "not_checked")

    def test_where_the_server_cannot_look_nobody_is_blamed_and_nothing_counts(self, tmp_path, monkeypatch):
        case = self.until_sent(measured(idle(), tmp_path, frame_seconds=1.0, claimed_seconds=1.0))

        def broken(*_, **__):
            raise canary_check.NotChecked("no Blender here")

        monkeypatch.setattr(canary_check, "render_piece", broken)
        run = case.judge()
        assert (run.status, run.reason, case.node.score_milli) == ("failed", "not_checked", 1_000)

    def test_a_frame_that_took_longer_than_it_says_counts_as_the_servers_clock_saw_it(self, tmp_path):
        node = idle()
        run = measured(node, tmp_path, claimed_seconds=0.1).all()
        assert run.canary_ms == 5_280
        assert node.score_milli == 1_000


@pytest.mark.django_db
class StabilityTests:
    def again(self, node, tmp_path, number: int, seconds: float) -> BenchmarkRun:
        at = NOW + timedelta(days=10 * number)
        Worker.objects.filter(pk=node.pk).update(last_seen_at=at)
        case = measured(node, tmp_path, at=at, frame_seconds=seconds, claimed_seconds=seconds, picture=100 + number)
        return case.all()

    def test_what_differs_is_repeated_and_counts_when_it_is_so_again(self, tmp_path):
        node = idle()
        assert self.again(node, tmp_path, 0, 5.28).believed
        odd = self.again(node, tmp_path, 1, 2.0)
        assert (odd.status, odd.believed, node.score_milli) == ("passed", False, 1_000)
        assert node.benchmark_due_at == odd.finished_at + scoring.REPEAT_AFTER
        assert self.again(node, tmp_path, 2, 2.1).believed
        assert node.score_milli == 2_514

    def test_what_differs_once_and_not_again_changes_nothing(self, tmp_path):
        node = idle()
        self.again(node, tmp_path, 0, 5.28)
        self.again(node, tmp_path, 1, 9.0)
        assert self.again(node, tmp_path, 2, 5.3).believed
        assert node.score_milli == 996

    def test_other_hardware_has_no_past(self, tmp_path):
        node = idle()
        self.again(node, tmp_path, 0, 5.28)
        Worker.objects.filter(pk=node.pk).update(hardware_at=NOW + timedelta(days=5))
        node.refresh_from_db()
        assert self.again(node, tmp_path, 1, 1.0).believed
        assert node.score_milli == 5_280


@pytest.mark.django_db
class DoubtTests:
    """A node that begins its runs and ends none."""

    def failed(self, node: Worker, count: int, *, reason: str = "paused", begin: int = 0) -> None:
        for number in range(begin, begin + count):
            at = NOW - timedelta(hours=10) + timedelta(minutes=number)
            BenchmarkRun.objects.create(worker=node, status="failed", reason=reason, created_at=at)

    def score(self, node: Worker) -> int:
        benchmark_scores.doubt_failing(now=NOW)
        node.refresh_from_db()
        return node.score_milli

    def test_in_the_end_it_counts_no_more_than_one_that_was_never_measured(self):
        node = idle(score_milli=4_000)
        self.failed(node, 4)
        assert self.score(node) == 4_000
        self.failed(node, 1, reason="no_gpu", begin=4)
        assert self.score(node) == 1_000
        assert WorkerEvent.objects.get(kind="benchmark-doubted").worker == node
        assert benchmark_scores.doubt_failing(now=NOW) == 0, "it is told once"

    def test_a_slow_node_gains_nothing_by_it(self):
        node = idle(score_milli=300)
        self.failed(node, 5)
        assert self.score(node) == 300

    def test_one_that_passes_in_between_is_not_doubted(self):
        node = idle(score_milli=4_000)
        self.failed(node, 4)
        BenchmarkRun.objects.create(worker=node, status="passed", created_at=NOW - timedelta(hours=9))
        self.failed(node, 4, begin=70)
        assert self.score(node) == 4_000

    def test_nobody_waits_behind_nodes_that_failed_once(self):
        for _ in range(3):
            self.failed(idle(score_milli=4_000), 1)
            often = idle(score_milli=4_000)
            self.failed(often, 4)
            BenchmarkRun.objects.create(worker=often, status="passed", created_at=NOW - timedelta(hours=9))
            self.failed(often, 4, begin=70)
        node = idle(score_milli=4_000)
        self.failed(node, 5)
        assert benchmark_scores.doubt_failing(now=NOW, limit=1) == 1
        node.refresh_from_db()
        assert node.score_milli == 1_000

    @pytest.mark.parametrize("reason", benchmark_scores.OURS)
    def test_what_nobody_began_and_what_we_could_not_look_at_is_not_its_doing(self, reason):
        node = idle(score_milli=4_000)
        self.failed(node, 9, reason=reason)
        assert self.score(node) == 4_000

    def test_a_run_that_it_began_and_never_ended_is(self, tmp_path):
        case = measured(idle(), tmp_path)
        case.ask()
        case.lease()
        assert benchmarks.give_up(now=NOW + timedelta(hours=3)) == 1
        case.run.refresh_from_db()
        assert case.run.reason == "not_ended"
        assert case.run.reason not in benchmark_scores.OURS

    def test_what_other_hardware_did_says_nothing(self):
        node = idle(score_milli=4_000, hardware_at=NOW)
        self.failed(node, 5)
        assert self.score(node) == 4_000


@pytest.mark.django_db
class HistoryTests:
    def ran(self, node: Worker, days_ago: int, status: str = "passed") -> BenchmarkRun:
        return BenchmarkRun.objects.create(worker=node, status=status, created_at=NOW - timedelta(days=days_ago))

    def test_old_runs_go_but_for_the_newest_and_the_newest_that_passed(self):
        node, other = idle(), idle()
        gone = [self.ran(node, 300), self.ran(node, 250, "failed"), self.ran(node, 200), self.ran(node, 120, "refused")]
        kept = [self.ran(node, 150), self.ran(node, 100, "failed"), self.ran(other, 400)]
        assert benchmarks.drop_old(now=NOW) == len(gone)
        assert set(BenchmarkRun.objects.all()) == set(kept)

    def test_what_is_not_old_stays(self):
        node = idle()
        [self.ran(node, days) for days in (5, 10, 89)]
        assert benchmarks.drop_old(now=NOW) == 0

    def test_the_sweep_of_histories_drops_them(self):
        node = idle()
        for days in (900, 800):
            BenchmarkRun.objects.create(worker=node, status="passed", created_at=clock.now() - timedelta(days=days))
        background.sweep_node_history()
        assert BenchmarkRun.objects.count() == 1


@pytest.mark.django_db
class AdminTests:
    def test_operators_read_how_runs_ended_and_change_nothing(self, signed_in, sam):
        run = BenchmarkRun.objects.create(worker=idle(name="attic"), status="refused", reason="too_fast", created_at=NOW)
        BenchmarkRun.objects.create(worker=idle(name="cellar"), status="failed", reason="paused", created_at=NOW)
        browser, pages = signed_in(sam), "admin:workers_benchmarkrun_"
        rows = browser.get(reverse(f"{pages}changelist")).text
        assert WORDS[Refusal.TOO_FAST] in rows
        assert "cellar" in rows
        assert "cellar" not in browser.get(reverse(f"{pages}changelist"), {"reason": "too_fast"}).text
        page = browser.get(reverse(f"{pages}change", args=[run.pk]))
        assert page.status_code == 200
        assert browser.post(reverse(f"{pages}change", args=[run.pk]), {"status": "passed"}).status_code == 403


def test_every_refusal_has_words_for_the_owner():
    assert set(WORDS) == set(Refusal)


class ScoringTests:
    @pytest.mark.parametrize(
        ("samples", "took_ms", "score"),
        [(24, 5_280, 1_000), (24, 2_640, 2_000), (512, 5_632, 20_000), (24, 10_000_000, 50), (512, 1, 100_000)],
    )
    def test_reference_seconds_per_second_bounded_on_both_sides(self, samples, took_ms, score):
        assert reference.score_milli(samples, took_ms) == score

    @pytest.mark.parametrize(
        ("score", "earlier", "believed"),
        [
            (1_000, [], True),
            (1_000, [1_150], True),
            (1_000, [1_200], False),
            (3_000, [1_000, 2_900], True),
            (3_000, [1_000, 1_000, 3_000], False),
        ],
    )
    def test_a_run_is_believed_where_it_agrees_with_one_of_the_last_two(self, score, earlier, believed):
        assert scoring.is_believed(score, earlier) == believed

    def test_nobody_is_placed_among_too_few(self):
        assert scoring.percentile(3, [1, 2, 3, 4]) is None
        assert scoring.percentile(3, [1, 2, 3, 4, 5]) == 60

    def test_the_next_one_comes_at_random_within_days(self):
        found = {scoring.next_after(Random(seed), believed=True) for seed in range(50)}
        assert len(found) == 50
        assert all(timedelta(days=5) <= after <= timedelta(days=9) for after in found)


def test_every_status_is_reachable_and_has_a_tone():
    reached, frontier = {BenchmarkStatus.WAITING}, [BenchmarkStatus.WAITING]
    while frontier:
        for following in BENCHMARK_MOVES[frontier.pop()] - reached:
            reached.add(following)
            frontier.append(following)
    assert reached == set(BenchmarkStatus) == set(BENCHMARK_TONES)
