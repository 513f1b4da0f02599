"""A machine that is measured does nothing else."""

import asyncio
import contextlib

import pytest

from pictor_agent.alone import Alone


class Play:
    """Some that compute, and what began and ended in which order."""

    def __init__(self) -> None:
        self.alone, self.heard, self.ends = Alone(), [], {}

    def begin(self, name: str, way: str) -> asyncio.Task:
        self.ends[name] = asyncio.Event()

        async def compute() -> None:
            async with getattr(self.alone, way)():
                self.heard.append(f"{name} begins")
                await self.ends[name].wait()
                self.heard.append(f"{name} ends")

        return asyncio.create_task(compute())

    async def settle(self) -> list[str]:
        for _ in range(20):
            await asyncio.sleep(0)
        return self.heard


@pytest.fixture
def play() -> Play:
    return Play()


class AloneTests:
    async def test_frames_of_several_slots_compute_beside_each_other(self, play):
        tasks = [play.begin("one", "beside_others"), play.begin("two", "beside_others")]
        assert await play.settle() == ["one begins", "two begins"]
        await end(tasks)

    async def test_a_benchmark_waits_for_frames_and_later_frames_for_it(self, play):
        tasks = [play.begin("frame", "beside_others")]
        await play.settle()
        tasks += [play.begin("benchmark", "by_itself"), play.begin("later", "beside_others")]
        assert await play.settle() == ["frame begins"]
        play.ends["frame"].set()
        assert await play.settle() == ["frame begins", "frame ends", "benchmark begins"]
        play.ends["benchmark"].set()
        assert (await play.settle())[3:] == ["benchmark ends", "later begins"]
        await end(tasks)

    @pytest.mark.parametrize("began", [False, True])
    async def test_a_benchmark_that_is_cancelled_keeps_nobody_waiting(self, play, began):
        tasks = [] if began else [play.begin("frame", "beside_others")]
        await play.settle()
        benchmark = play.begin("benchmark", "by_itself")
        await play.settle()
        benchmark.cancel()
        tasks += [play.begin("later", "beside_others"), benchmark]
        assert (await play.settle())[-1] == "later begins"
        await end(tasks)


async def end(tasks: list[asyncio.Task]) -> None:
    for task in tasks:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)
