"""The card of a node's benchmark: when, what, and where it stands among nodes of its model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from common.words import plural
from workers import gpu_trials, scoring
from workers.benchmark_models import OPEN
from workers.benchmarks import obstacle_of
from workers.counting import renders_on_gpu
from workers.look import Look
from workers.models import BenchmarkRun
from workers.refusals import WORDS, Refusal
from workers.states import BENCHMARK_TONES, BenchmarkStatus

RUNS_SHOWN = 5
PEERS_MAX = 500

AGAIN = "The network tries again by itself."
FAILED_WORDS = {
    "no_gpu": "Not every GPU that it names could be asked to compute: pictor-agent doctor on the machine says why (W-GPU-3). "
    f"{AGAIN}",
    "out_of_memory": f"The memory was not free: another program holds some of it, or of a GPU's. {AGAIN}",
    "other_hardware": f"Its hardware or a driver changed meanwhile. {AGAIN}",
}
DID_NOT_END = f"It did not end. {AGAIN}"
GPUS_DOUBTED = "Until one passes, its GPUs count for nothing: it gets work for its processor."


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.1f} s"


def _rate(bytes_per_second: int) -> str:
    return f"{bytes_per_second / 1e9:.2f} GB/s" if bytes_per_second else "not measured"


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    column: str
    words: Callable[[int], str]
    less_is_better: bool = False

    def worth(self, value: int) -> int:
        return -value if self.less_is_better else value


FIGURES = (
    Figure("Canary frame", "canary_ms", _seconds, less_is_better=True),
    Figure("Challenge, one core", "challenge_ms", _seconds, less_is_better=True),
    Figure("Memory", "memory_bytes_per_second", _rate),
    Figure("Disk, written", "disk_write_bytes_per_second", _rate),
    Figure("Disk, read", "disk_read_bytes_per_second", _rate),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One line of the card."""

    label: str
    words: str
    percent: int | None  # of the nodes of its model that it is at least as good as

    @property
    def words_with_place(self) -> str:
        return self.words if self.percent is None else f"{self.words}, as good as {self.percent} %"


def benchmark_part(look: Look) -> dict:
    runs = list(look.worker.benchmark_runs.order_by("-created_at")[:RUNS_SHOWN])
    newest = runs[0] if runs else None
    passed = next((run for run in runs if run.status == BenchmarkStatus.PASSED), None)
    peers = _peers(passed) if passed else []
    status = BenchmarkStatus(newest.status) if newest else None
    return {
        "worker": look.worker,
        "benchmark_newest": newest,
        "benchmark_passed": passed,
        "benchmark_status": {"tone": BENCHMARK_TONES[status], "words": status.label} if status else None,
        "benchmark_note": _note(newest, passed),
        "benchmark_doubt": "" if look.worker.gpus_believed or not renders_on_gpu(look.worker) else GPUS_DOUBTED,
        "benchmark_score": f"{look.worker.score_milli / 1000:.2f}",
        "benchmark_parts": [*_gpu_parts(passed), *parts_of(passed, peers)] if passed else [],
        "benchmark_peers": _peers_words(passed, len(peers)) if passed else "",
        "may_measure": not obstacle_of(look.worker),
    }


def _peers(run: BenchmarkRun) -> list[tuple]:
    """The newest figures that count of each other node of its model."""
    rows = BenchmarkRun.objects.filter(model=run.model, status=BenchmarkStatus.PASSED, believed=True)
    rows = rows.exclude(worker=run.worker_id).order_by("worker_id", "-created_at").distinct("worker_id")
    return list(rows.values_list(*(figure.column for figure in FIGURES))[:PEERS_MAX])


def parts_of(run: BenchmarkRun, peers: Sequence[tuple]) -> list[Part]:
    found = []
    for figure, others in zip(FIGURES, zip(*peers, strict=True) if peers else [()] * len(FIGURES), strict=True):
        value = getattr(run, figure.column)
        percent = scoring.percentile(figure.worth(value), [figure.worth(other) for other in others])
        found.append(Part(figure.label, figure.words(value), percent))
    return found


def _gpu_parts(run: BenchmarkRun) -> list[Part]:
    """What its GPUs proved, and how fast beside those of other owners."""
    trial = gpu_trials.of(run)
    if trial is None or not trial.bytes_per_second:
        return []
    sizes = [challenge.memory_bytes / (1 << 30) for challenge in gpu_trials.challenges(trial)]
    each = f"{min(sizes):.1f} GiB" if min(sizes) == max(sizes) else f"{min(sizes):.1f} to {max(sizes):.1f} GiB"
    size = each if len(sizes) == 1 else f"{len(sizes)} GPUs, {each} each,"
    words = f"{size} filled in {trial.solved_seconds:.1f} s"
    return [Part("GPU memory", words, scoring.percentile(trial.bytes_per_second, gpu_trials.peers_of(trial, trial.model)))]


def _peers_words(run: BenchmarkRun, count: int) -> str:
    if count < scoring.ALIKE_MIN:
        return f"Compared once there are {scoring.ALIKE_MIN} other nodes with {run.model}."
    return f"At least as good as so many percent of {plural(count, 'other node')} with {run.model}."


def _note(newest: BenchmarkRun | None, passed: BenchmarkRun | None) -> str:
    """What to know about the last run, where it is not simply done."""
    if newest is None:
        return "The network measures it once it has been idle for ten minutes; until then it counts 1.0."
    if newest.status == BenchmarkStatus.REFUSED:
        return WORDS[Refusal(newest.reason)]
    if newest.status == BenchmarkStatus.FAILED:
        return FAILED_WORDS.get(newest.reason, DID_NOT_END)
    if newest.status in OPEN:
        return "It is measured as soon as it is free; that takes a minute or so."
    return "" if newest.believed else "It differs from the runs before: it is measured again before it counts."
