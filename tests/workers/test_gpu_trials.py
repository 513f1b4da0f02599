"""GPUs that a node names are believed when they have answered, all of them, in a time that is theirs; and what follows when not."""

import hashlib
import tomllib
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import pytest

from common import clock
from pictor_agent import protocol, recorded, reference
from tests.gpus import ByNumpy, all_of, commitment_of, one_for_all, openings_of
from tests.overlap import overlapped
from tests.workers import builders
from tests.workers.builders import NOW
from tests.workers.scripted import ScriptedNode, db, until
from tests.workers.test_benchmarks import Measured, _real_kinds, idle  # noqa: F401 (a fixture)
from workers import (
    benchmark_presentation,
    benchmark_runs,
    benchmark_scores,
    census,
    facts,
    gpu_check,
    gpu_trials,
    services,
    switchboard,
)
from workers.benchmark_models import GpuTrial
from workers.look import Look
from workers.matching import Requirements
from workers.models import BenchmarkRun, Gpu, Worker
from workers.refusals import Refusal

pytestmark = pytest.mark.django_db
GIB = 1 << 30
MODEL = "NVIDIA RTX A4000"


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(reference, "GPU_WIDTH", 16)
    monkeypatch.setattr(reference, "gpu_layers", lambda vram_bytes: 5)


def with_gpus(count: int = 2, *, model: str = MODEL, **changes) -> Worker:
    node = idle(**({"device": "OPTIX"} | changes))
    for index in range(count):
        Gpu.objects.create(worker=node, index=index, model=model, vram_bytes=16 * GIB)
    return node


@dataclass
class OnGpus(Measured):
    """Step by step, as an honest node with GPUs; a test bends one step."""

    gpu_seconds: float = 2.0
    show_seconds: float = 0.5

    def said(self, part: str, root: bytes, seconds: float) -> protocol.Show | None:
        said = protocol.Committed(work_id=self.held.work_id, attempt=self.held.attempt, root=root, part=part)
        return benchmark_runs.commit_run(self.run.pk, self.node.pk, said, self.at + timedelta(seconds=seconds))

    def begin(self) -> None:
        self.ask()
        self.lease()
        self.seed = self.said("gpus_ready", bytes(32), 1.0).gpu_seed

    def solve(self, gpus: list[ByNumpy] | None = None) -> protocol.Show | None:
        self.gpus = gpus or all_of(self.seed, GpuTrial.objects.get(run=self.run).sizes)
        self.asked = self.said("gpus", commitment_of(self.gpus), 1.0 + self.gpu_seconds)
        return self.asked

    def show(self) -> protocol.Show | None:
        self.gpu_shown = openings_of(self.gpus, self.asked.gpu_blocks)
        return self.said("gpus_shown", hashlib.sha256(self.gpu_shown).digest(), self.shown_after)

    @property
    def shown_after(self) -> float:
        return 1.0 + self.gpu_seconds + self.show_seconds

    def rest(self) -> BenchmarkRun:
        self.send(self.commit())
        return self.judge()

    def all(self) -> BenchmarkRun:
        self.begin()
        self.solve()
        self.show()
        return self.rest()


def counted(node: Worker) -> list:
    """The GPUs that count for work, on each of the three ways."""
    (alike,) = census.online(Requirements(), whose=0)
    of_row = facts.online_nodes()[0].facts
    return [alike.facts.gpu_models, of_row.gpu_models, facts.facts_of(Worker.objects.get(pk=node.pk)).gpu_models]


class AskedTests:
    def test_every_gpu_with_memory_is_asked(self, tmp_path):
        node = with_gpus(3)
        Gpu.objects.create(worker=node, index=9, model="a screen", vram_bytes=0)
        case = OnGpus(node, tmp_path)
        case.ask()
        case.lease()
        orders = benchmark_runs.spec_of(case.run, NOW).gpus
        assert [(gpu.width, gpu.layers) for gpu in orders] == [(16, 5)] * 3

    @pytest.mark.parametrize(("device", "count"), [("CPU", 2), ("OPTIX", 0)])
    def test_a_node_that_renders_on_its_processor_is_asked_for_none(self, tmp_path, device, count):
        case = OnGpus(with_gpus(count, device=device), tmp_path)
        case.ask()
        case.lease()
        assert benchmark_runs.spec_of(case.run, NOW).gpus == []
        assert case.said("gpus_ready", bytes(32), 1.0) is None
        assert Measured.commit(case) is not None

    @pytest.mark.parametrize(("device", "vram_bytes"), [("", GIB), ("CPU", GIB), ("OPTIX", 0)])
    def test_what_is_not_asked_does_not_count(self, tmp_path, device, vram_bytes):
        node = with_gpus(2, device=device)
        Gpu.objects.filter(worker=node).update(vram_bytes=vram_bytes)
        assert counted(node) == [()] * 3
        case = OnGpus(node, tmp_path)
        case.ask()
        case.lease()
        assert benchmark_runs.spec_of(case.run, NOW).gpus == []

    def test_the_seed_is_told_when_the_memory_is_taken_and_what_to_show_when_it_is_solved(self, tmp_path):
        case = OnGpus(with_gpus(), tmp_path)
        case.ask()
        case.lease()
        assert case.said("gpus", b"r" * 32, 1.0) is None, "before it has begun"
        assert case.said("gpus_shown", b"r" * 32, 1.0) is None
        case.seed = case.said("gpus_ready", bytes(32), 1.0).gpu_seed
        assert len(case.seed) == 32
        asked = case.solve()
        assert [len(each) for each in asked.gpu_blocks] == [16 + gpu_check.OF_FIRST_LAYER] * 2
        assert case.said("gpus", commitment_of(case.gpus), 9.0) == asked, "said again it is the same"
        assert case.said("gpus", b"x" * 32, 9.0) is None, "another commitment has no answer"

    def test_the_clock_runs_from_the_first_time(self, tmp_path):
        case = OnGpus(with_gpus(), tmp_path)
        case.begin()
        case.said("gpus_ready", bytes(32), 3.0)
        case.solve()
        case.said("gpus", commitment_of(case.gpus), 30.0)
        case.show()
        case.said("gpus_shown", hashlib.sha256(case.gpu_shown).digest(), 40.0)
        known = gpu_trials.known(case.run)
        assert (known.solved_seconds, known.shown_seconds) == (2.0, 0.5)

    def test_nothing_else_counts_before_the_gpus_have_answered(self, tmp_path):
        case = OnGpus(with_gpus(), tmp_path)
        case.begin()
        case.solve()
        assert case.commit() is None
        case.show()
        assert case.commit() is not None

    def test_another_attempt_has_another_seed(self, tmp_path):
        case = OnGpus(with_gpus(), tmp_path)
        case.begin()
        first = case.seed
        GpuTrial.objects.get(run=case.run)
        gpu_trials.begin(case.run, case.node)
        assert case.said("gpus_ready", bytes(32), 1.0).gpu_seed != first


class BelievedTests:
    def test_who_answered_with_all_of_them_passes_and_the_page_says_what_they_proved(self, tmp_path):
        case = OnGpus(with_gpus(), tmp_path)
        run = case.all()
        assert (run.status, run.reason, run.samples) == ("passed", "", reference.SAMPLES["gpu"])
        assert run.gpu_trial.bytes_per_second == 16 * 5 * 4096 / 2
        part = benchmark_presentation.benchmark_part(Look(case.node, NOW))["benchmark_parts"][0]
        assert (part.label, part.words, part.percent) == ("GPU memory", "2 GPUs, 0.0 GiB each, filled in 2.0 s", None)

    def test_among_five_owners_with_the_model_it_has_its_place(self, tmp_path):
        for number in range(5):
            passed(with_gpus(1), 10_000 * (number + 1))
        case = OnGpus(with_gpus(), tmp_path)
        case.all()
        part = benchmark_presentation.benchmark_part(Look(case.node, NOW))["benchmark_parts"][0]
        assert part.percent == 100


def passed(node: Worker, bytes_per_second: int, model: str = MODEL) -> None:
    run = BenchmarkRun.objects.create(worker=node, status="passed", believed=True, created_at=NOW - timedelta(days=9))
    GpuTrial.objects.create(run=run, model=model, sizes=[[16, 5]], seed=b"s" * 32, bytes_per_second=bytes_per_second)


class RefusedTests:
    def refused(self, case: OnGpus) -> str:
        run = case.rest()
        assert run.status == "refused"
        assert (case.node.score_milli, case.node.gpus_believed) == (1_000, False)
        return run.reason

    def test_a_node_that_has_one_of_the_eight_it_names_and_lets_it_answer_for_all(self, tmp_path):
        """However slow it was before, it has no time to make what it has not kept."""
        case = OnGpus(with_gpus(8), tmp_path, gpu_seconds=9.5, show_seconds=3.9)
        case.begin()
        case.solve()
        case.show()
        assert self.refused(case) == "gpu_not_kept"

    def test_a_node_that_copies_one_gpus_answer_for_the_others(self, tmp_path):
        case = OnGpus(with_gpus(8), tmp_path)
        case.begin()
        case.solve(one_for_all(case.seed, [[16, 5]] * 8))
        case.show()
        assert self.refused(case) == "other_block"

    def test_a_node_that_copies_the_answer_of_another_node(self, tmp_path):
        case = OnGpus(with_gpus(1), tmp_path)
        case.begin()
        others = all_of(b"the seed of another node, not its", [[16, 5]])
        own = all_of(case.seed, [[16, 5]])
        own[0].roots, own[0].blocks = others[0].roots, others[0].blocks
        case.solve(own)
        case.show()
        assert self.refused(case) == "other_block"

    @pytest.mark.parametrize(("seconds", "reason"), [(11.0, "gpu_too_late"), (0.0, "gpu_too_fast")])
    def test_an_answer_of_a_time_that_no_gpu_has(self, tmp_path, seconds, reason):
        case = OnGpus(with_gpus(), tmp_path, gpu_seconds=seconds)
        case.begin()
        case.solve()
        case.show()
        assert self.refused(case) == reason

    def test_one_that_is_half_as_fast_as_the_model_holds_its_memory_for_something_else(self, tmp_path):
        for _ in range(5):
            passed(with_gpus(1), 16 * 5 * 4096)
        case = OnGpus(with_gpus(), tmp_path, gpu_seconds=2.1)
        case.begin()
        case.solve()
        case.show()
        assert self.refused(case) == "gpu_slow"

    def test_an_owners_own_nodes_and_other_models_are_no_measure_for_it(self, tmp_path, wanda):
        for figure in (1, 1, 10**12, 10**12):
            passed(with_gpus(1), figure)
        for _ in range(9):
            passed(with_gpus(1, owner=wanda), 10**12)
            passed(with_gpus(1), 10**12, model="NVIDIA H200")
        assert OnGpus(with_gpus(owner=wanda), tmp_path).all().status == "passed"

    def test_a_card_is_compared_with_others_of_its_model_beside_one_that_nobody_has_too(self, tmp_path):
        for _ in range(5):
            passed(with_gpus(1), 16 * 5 * 4096)
        node = with_gpus(1)
        Gpu.objects.create(worker=node, index=7, model="of my own making", vram_bytes=GIB)
        case = OnGpus(node, tmp_path, gpu_seconds=2.1)
        case.begin()
        case.solve()
        case.show()
        assert self.refused(case) == "gpu_slow"

    def test_many_runs_of_one_owner_push_nobody_out(self, tmp_path, wanda, monkeypatch):
        monkeypatch.setattr(gpu_trials, "OWNERS_MAX", 6)
        for _ in range(5):
            passed(with_gpus(1), 16 * 5 * 4096)
        for _ in range(9):
            passed(with_gpus(1, owner=wanda), 1)
        case = OnGpus(with_gpus(), tmp_path, gpu_seconds=2.1)
        case.begin()
        case.solve()
        case.show()
        assert self.refused(case) == "gpu_slow"

    def test_nodes_of_one_owner_are_one_voice(self, tmp_path, wanda):
        for _ in range(9):
            passed(with_gpus(1, owner=wanda), 10**12)
        assert OnGpus(with_gpus(), tmp_path).all().status == "passed"

    def test_other_blocks_than_it_had_said_when_they_were_asked_for(self, tmp_path):
        case = OnGpus(with_gpus(), tmp_path)
        case.begin()
        case.solve()
        case.show()
        case.gpu_shown = case.gpu_shown[:-1] + bytes([case.gpu_shown[-1] ^ 1])
        assert self.refused(case) == "other_root"


class RaceTests:
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("part", ["gpus", ""])
    def test_of_two_commitments_at_the_same_moment_one_is_told_what_to_show(self, tmp_path, part):
        """Else blocks could be drawn again until they suit. Without the lock of the run both are told."""
        case = OnGpus(with_gpus(1), tmp_path)
        case.begin()
        if not part:
            case.solve()
            case.show()
        told = overlapped(lambda: case.said(part, b"a" * 32, 4.0), lambda: case.said(part, b"b" * 32, 4.0))
        assert told is None
        assert case.said(part, b"a" * 32, 5.0) is not None


class H100Tests:
    """A node that claims eight H100s, over its socket; its agent plays them from a recording."""

    def cards(self, folder) -> list[protocol.GpuInfo]:
        cards = [protocol.GpuInfo(index=i, model="NVIDIA H100", vram_bytes=80 * GIB, uuid=f"GPU-{i}") for i in range(8)]
        trace = folder / "trace.jsonl"
        trace.write_bytes(b"\n".join(map(msgspec.json.encode, [{"gpus": cards}, {"at": 0, "gpus": []}])))
        return recorded.read_trace(trace).inventory()

    @pytest.mark.django_db(transaction=True)
    async def test_it_is_asked_for_all_eight_at_once_and_caught_with_one_for_all(self, tmp_path):
        board = switchboard.current()
        worker = await db(lambda: services.create_worker(builders.user(), "attic", now=NOW))
        config = tomllib.loads(await db(lambda: services.new_config(worker, now=clock.now())))
        node = ScriptedNode(config["worker_uid"], token=config["token"])
        await node.sign_on(gpus=self.cards(tmp_path), device="OPTIX")
        await until(lambda: Worker.objects.filter(pk=worker.pk, status="online").exists())
        run = await db(lambda: services.ask_for_benchmark(worker, now=clock.now()))
        await db(lambda: builders.feed(clock.now()))
        item = (await node.hear(protocol.Assign)).items[0]
        assert len(item.spec.gpus) == 8

        async def commit(root: bytes, part: str) -> protocol.Show:
            await node.say(protocol.Committed(work_id=item.work_id, attempt=item.attempt, root=root, part=part))
            show = await node.hear(protocol.Show)
            assert show.part == part
            return show

        begun = await commit(bytes(32), "gpus_ready")
        gpus = one_for_all(begun.gpu_seed, [(gpu.width, gpu.layers) for gpu in item.spec.gpus])
        asked = await commit(commitment_of(gpus), "gpus")
        shown = openings_of(gpus, asked.gpu_blocks)
        assert (await commit(hashlib.sha256(shown).digest(), "gpus_shown")).gpu_blocks == []
        known = await db(lambda: gpu_trials.known(BenchmarkRun.objects.get(pk=run.pk)))
        assert known.refusal(shown) == Refusal.OTHER_BLOCK
        await node.close()
        await board.stop()


class ConsequenceTests:
    def test_refuted_gpus_count_for_no_work_until_a_benchmark_passes(self, tmp_path):
        node = with_gpus(2)
        assert counted(node) == [(MODEL, MODEL)] * 3
        case = OnGpus(node, tmp_path, gpu_seconds=11.0)
        case.begin()
        case.solve()
        case.show()
        case.rest()
        assert counted(node) == [()] * 3
        assert "count for nothing" in benchmark_presentation.benchmark_part(Look(node, NOW))["benchmark_doubt"]
        again = OnGpus(Worker.objects.get(pk=node.pk), tmp_path, at=NOW + timedelta(minutes=9), picture=7)
        assert again.all().status == "passed"
        assert counted(node) == [(MODEL, MODEL)] * 3

    def test_as_many_tasks_run_at_a_time_as_gpus_count(self, tmp_path):
        node = with_gpus(2)
        services.set_controls(node, now=NOW, slots_per_gpu=3, slots_cpu=1)
        case = OnGpus(node, tmp_path, gpu_seconds=11.0)
        case.all()
        assert Worker.objects.get(pk=node.pk).slots == 1
        OnGpus(Worker.objects.get(pk=node.pk), tmp_path, at=NOW + timedelta(minutes=9), picture=7).all()
        assert Worker.objects.get(pk=node.pk).slots == 6

    def test_what_passed_before_its_hardware_changed_says_nothing_of_what_it_has_now(self, tmp_path):
        """Small memory to be asked for, large memory to be believed."""
        node = with_gpus(1)
        Worker.objects.filter(pk=node.pk).update(gpus_believed=False)
        case = OnGpus(node, tmp_path)
        case.begin()
        case.solve()
        case.show()
        Worker.objects.filter(pk=node.pk).update(hardware_at=NOW + timedelta(seconds=9))
        run = case.rest()
        assert (run.status, run.reason) == ("failed", "other_hardware")
        assert (case.node.score_milli, case.node.gpus_believed) == (1_000, False)
        assert "changed meanwhile" in benchmark_presentation.benchmark_part(Look(node, NOW))["benchmark_note"]

    def test_a_node_that_says_again_and_again_that_it_has_none_is_doubted(self, tmp_path):
        node = with_gpus(2)
        for number in range(benchmark_scores.DOUBTED_AFTER):
            at = NOW - timedelta(hours=5) + timedelta(minutes=number)
            BenchmarkRun.objects.create(worker=node, status="failed", reason="no_gpu", created_at=at)
        assert benchmark_scores.doubt_failing(now=NOW) == 1
        assert counted(node) == [()] * 3

    @pytest.mark.parametrize(("reason", "words"), [("no_gpu", "W-GPU-3"), ("out_of_memory", "another program holds")])
    def test_the_page_says_why_they_could_not_answer(self, reason, words):
        node = with_gpus(2)
        BenchmarkRun.objects.create(worker=node, status="failed", reason=reason, created_at=NOW)
        assert words in benchmark_presentation.benchmark_part(Look(node, NOW))["benchmark_note"]

    def test_they_fail_by_name(self, tmp_path):
        case = OnGpus(with_gpus(8), tmp_path)
        case.ask()
        case.lease()
        builders.report(case.held, protocol.Failed, reason="no_gpu")
        case.run.refresh_from_db()
        assert (case.run.status, case.run.reason) == ("failed", "no_gpu")
