"""A node that is measured: it commits before it is told what to show, and nothing is left behind."""

# ruff: noqa: F811 (fixtures of another file)

import hashlib
import random

import msgspec
import psutil
import pytest

from pictor_agent import attempts, gpu_challenge, measuring, protocol
from pictor_agent.challenge import Challenge
from pictor_agent.protocol import Assignment
from tests.agent.conftest import until
from tests.agent.test_shift import gateway, node, server  # noqa: F401
from workers import challenge_check, gpu_check

pytestmark = [pytest.mark.blender, pytest.mark.xdist_group("blender"), pytest.mark.asyncio(loop_scope="session")]


class BenchmarkTests:
    SIDE, BLOCKS = 32, 40

    def benchmark(self, node, work_id: int = 1) -> Assignment:
        item = node.assignment(work_id)
        spec = protocol.BenchmarkSpec(seed=b"s" * 32, side=self.SIDE, blocks=self.BLOCKS, canary=item.spec, disk_bytes=4 << 20)
        return Assignment(work_id=work_id, attempt=1, slot=0, place=0, lease_seconds=60, spec=spec)

    async def show(self, node, work_id: int = 1, blocks=(3, 17)) -> None:
        await node.gateway.say(protocol.Show(work_id=work_id, attempt=1, blocks=list(blocks), seed=99))

    async def test_it_commits_then_shows_what_it_is_asked_for_with_the_canary_of_the_servers_seed(self, gateway, node, server):
        await node.assign(self.benchmark(node))
        committed = await gateway.hear(protocol.Committed, 1)
        await self.show(node)
        done = await node.finish(1)
        measured = msgspec.msgpack.decode(bytes(server.uploads["/up-1-1"]), type=protocol.BenchmarkFile)
        challenge = Challenge(b"s" * 32, self.SIDE, self.BLOCKS)
        assert challenge_check.refusal(challenge, committed.root, [3, 17], measured.opening, random.Random(1)) is None
        assert measured.memory_bytes_per_second > 0
        assert measured.disk_write_bytes_per_second > 0
        assert done.result.size_bytes == len(bytes(server.uploads["/up-1-1"]))
        assert done.result.pixels_sha256 == await pixels_of(node, seed=99) != await pixels_of(node, seed=1)
        assert not list(node.shift.outbox.folder.iterdir()), "nothing is left behind"

    async def test_a_commitment_is_said_again_until_it_is_answered(self, gateway, node, monkeypatch):
        monkeypatch.setattr(attempts, "COMMIT_SECONDS", 0.05)
        await node.assign(self.benchmark(node))
        first = await gateway.hear(protocol.Committed, 1)
        assert await gateway.hear(protocol.Committed, 1, number=3) == first
        await self.show(node)
        await node.finish(1)

    async def test_a_cancel_ends_it_and_its_process(self, gateway, node):
        await node.assign(self.benchmark(node))
        await gateway.hear(protocol.Committed, 1)
        assert solvers()
        await gateway.say(protocol.Cancel(items=[(1, 1)], reason="its lease is over"))
        await until(lambda: not solvers(), words="the process of the challenge lives on")
        assert node.shift.holding() == []


def solvers() -> list[int]:
    return [child.pid for child in psutil.Process().children() if "pictor_agent.solver" in " ".join(command_of(child))]


def command_of(process: psutil.Process) -> list[str]:
    """Nothing of one that has just ended."""
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


async def pixels_of(node, *, seed: int) -> str:
    """Of the same frame, rendered as work."""
    spec = node.assignment(1, seed=seed).spec
    scene = node.shift.store.folder / "scenes" / spec.scene_key
    rendered = await node.runner.render(spec, scene, node.state.folder / "again.png")
    return rendered.result.pixels_sha256


class GpuTests:
    """The GPUs' part, by the kernels themselves on a processor."""

    def benchmark(self, node, *gpus: tuple[int, int]) -> Assignment:
        item = node.assignment(1)
        orders = [protocol.GpuOrder(width=width, layers=layers) for width, layers in gpus]
        spec = protocol.BenchmarkSpec(seed=b"s" * 32, side=16, blocks=20, canary=item.spec, gpus=orders)
        return Assignment(work_id=1, attempt=1, slot=0, place=0, lease_seconds=60, spec=spec)

    async def answer(self, gateway, part: str, **said) -> protocol.Committed:
        committed = await until_part(gateway, part)
        await gateway.say(protocol.Show(work_id=1, attempt=1, part=part, **said))
        return committed

    async def test_their_memory_is_taken_then_the_seed_comes_then_they_show_what_they_kept(
        self, gateway, node, server, monkeypatch
    ):
        monkeypatch.setattr(measuring, "SOLVER", "tests.agent.any_device_solver")
        await node.assign(self.benchmark(node, (8, 6)))
        challenges = [gpu_challenge.GpuChallenge(gpu_challenge.seed_of(b"g" * 32, 0), 8, 6)]
        numbers = gpu_check.draw(challenges, random.Random(1))
        await self.answer(gateway, "gpus_ready", gpu_seed=b"g" * 32)
        solved = await self.answer(gateway, "gpus", gpu_blocks=numbers)
        shown = await self.answer(gateway, "gpus_shown")
        await self.answer(gateway, "", blocks=[3], seed=9)
        await node.finish(1)
        measured = msgspec.msgpack.decode(bytes(server.uploads["/up-1-1"]), type=protocol.BenchmarkFile)
        assert hashlib.sha256(measured.gpu_openings).digest() == shown.root
        assert gpu_check.refusal(challenges, solved.root, numbers, measured.gpu_openings) is None
        assert measured.gpu_seconds > 0

    async def test_scenes_that_stayed_open_give_their_memory_back_first(self, gateway, node, monkeypatch):
        monkeypatch.setattr(measuring, "SOLVER", "tests.agent.any_device_solver")
        await node.assign(node.assignment(2))
        await node.finish(2)
        assert node.runner.pool.idle
        await node.assign(self.benchmark(node, (8, 6)))
        await until_part(gateway, "gpus_ready")
        assert not node.runner.pool.entries
        await gateway.say(protocol.Cancel(items=[(1, 1)], reason="seen enough"))

    @pytest.mark.parametrize(
        ("solver", "gpus", "reason", "words"),
        [
            ("pictor_agent.solver", [(8, 4)] * 8, "no_gpu", "8 GPUs are named"),
            ("tests.agent.any_device_solver", [(1 << 16, 1 << 14)], "out_of_memory", "GiB free"),
        ],
    )
    async def test_gpus_that_are_not_there_and_memory_that_is_held_are_said(
        self, gateway, node, monkeypatch, solver, gpus, reason, words
    ):
        monkeypatch.setattr(measuring, "SOLVER", solver)
        await node.assign(self.benchmark(node, *gpus))
        failed = await gateway.hear(protocol.Failed, 1)
        assert failed.reason == reason
        assert words in failed.detail


async def until_part(gateway, part: str) -> protocol.Committed:
    number = 1
    while (committed := await gateway.hear(protocol.Committed, 1, number=number)).part != part:
        number += 1
    return committed
