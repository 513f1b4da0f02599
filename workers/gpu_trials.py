"""What the GPUs of a node answer in a benchmark, step by step by the server's clock, and whether it is believed. Pure rules: gpu_check.

Locks: none of its own; the caller has locked the run.
"""

import secrets
from datetime import datetime
from random import SystemRandom

from pictor_agent import protocol, reference
from pictor_agent.gpu_challenge import GpuChallenge, seed_of
from workers import gpu_check
from workers.counting import tried_gpus
from workers.models import BenchmarkRun, GpuTrial, Worker

OWNERS_MAX = 500


def begin(run: BenchmarkRun, worker: Worker) -> None:
    """With every attempt anew; nothing for a node that names none."""
    GpuTrial.objects.filter(run=run).delete()
    gpus = tried_gpus(worker)
    if gpus:
        sizes = [[reference.GPU_WIDTH, reference.gpu_layers(gpu.vram_bytes)] for gpu in gpus]
        models = sorted({gpu.model for gpu in gpus})
        model = models[0] if len(models) == 1 else ""
        GpuTrial.objects.create(run=run, model=model, gpu_models=models, sizes=sizes, seed=secrets.token_bytes(32))


def of(run: BenchmarkRun) -> GpuTrial | None:
    return GpuTrial.objects.filter(run=run).first()


def orders(run: BenchmarkRun) -> list[protocol.GpuOrder]:
    trial = of(run)
    return [protocol.GpuOrder(width=width, layers=layers) for width, layers in trial.sizes] if trial else []


def challenges(trial: GpuTrial) -> list[GpuChallenge]:
    return [GpuChallenge(seed_of(bytes(trial.seed), gpu), *size) for gpu, size in enumerate(trial.sizes)]


# Steps -----------------------------------------------------------------------------------------------------------------


def committed(trial: GpuTrial, said: protocol.Committed, now: datetime) -> protocol.Show | None:
    """Each step once, in their order; said again it has the same answer, and another commitment has none."""
    match said.part:
        case "gpus_ready":
            answer = _begin(trial, now)
        case "gpus":
            answer = _solve(trial, said.root, now)
        case _:
            answer = _show(trial, said.root, now)
    if answer is None:
        return None
    return protocol.Show(work_id=said.work_id, attempt=said.attempt, part=said.part, **answer)


def _begin(trial: GpuTrial, now: datetime) -> dict:
    if trial.began_at is None:
        trial.began_at = now
        trial.save(update_fields=["began_at"])
    return {"gpu_seed": bytes(trial.seed)}


def _solve(trial: GpuTrial, root: bytes, now: datetime) -> dict | None:
    if trial.began_at is None:
        return None
    if trial.solved_at is None:
        trial.root, trial.solved_at = root, now
        trial.numbers = gpu_check.draw(challenges(trial), SystemRandom())
        trial.save(update_fields=["root", "solved_at", "numbers"])
    return {"gpu_blocks": trial.numbers} if bytes(trial.root) == root else None


def _show(trial: GpuTrial, sha256: bytes, now: datetime) -> dict | None:
    if trial.solved_at is None:
        return None
    if trial.shown_at is None:
        trial.shown_sha256, trial.shown_at = sha256, now
        trial.save(update_fields=["shown_sha256", "shown_at"])
    return {} if bytes(trial.shown_sha256) == sha256 else None


# Judged ----------------------------------------------------------------------------------------------------------------


def known(run: BenchmarkRun) -> gpu_check.GpuRun | None:
    """None where nothing was asked of GPUs."""
    trial = of(run)
    if trial is None:
        return None
    assert trial.solved_at
    assert trial.shown_at
    return gpu_check.GpuRun(
        challenges=challenges(trial),
        root=bytes(trial.root),
        numbers=trial.numbers,
        shown_sha256=bytes(trial.shown_sha256),
        solved_seconds=trial.solved_seconds,
        shown_seconds=(trial.shown_at - trial.solved_at).total_seconds(),
        peers=[peers_of(trial, model) for model in trial.gpu_models],
    )


def peers_of(trial: GpuTrial, model: str) -> list[float]:
    """The newest figure of each other owner's nodes that have this model alone, however many runs they have."""
    if not model:
        return []
    rows = GpuTrial.objects.filter(model=model, bytes_per_second__gt=0).exclude(run__worker__owner=trial.run.worker.owner_id)
    newest = rows.order_by("run__worker__owner", "-run_id").distinct("run__worker__owner")
    return list(newest.values_list("bytes_per_second", flat=True)[:OWNERS_MAX])


def keep(run: BenchmarkRun, bytes_per_second: int) -> None:
    """The run has passed."""
    GpuTrial.objects.filter(run=run).update(bytes_per_second=bytes_per_second)


def shown_bytes(trial: GpuTrial) -> int:
    """The size of what it shows."""
    return sum(gpu_check.sizes(challenges(trial), trial.numbers)) if trial.numbers else 0
