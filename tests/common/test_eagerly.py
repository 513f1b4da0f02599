"""Coroutines that begin in their caller's step."""

import asyncio

import pytest

from common import eagerly


class EagerlyTests:
    async def test_what_never_waits_is_over_at_once(self):
        done = []

        async def never_waits():
            done.append(1)

        assert eagerly.start(never_waits()) is None
        assert done == [1]

    async def test_what_waits_goes_on_in_a_task(self):
        gate, steps = asyncio.Event(), []

        async def waits():
            steps.append("began")
            await gate.wait()
            await asyncio.sleep(0)
            steps.append(asyncio.current_task())

        task = eagerly.start(waits())
        assert steps == ["began"]
        gate.set()
        await task
        assert steps == ["began", task]

    async def test_an_error_before_it_waits_is_its_callers(self):
        async def fails():
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            eagerly.start(fails())

    async def test_an_error_afterwards_is_the_tasks(self):
        async def fails():
            await asyncio.sleep(0)
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            await eagerly.start(fails())

    async def test_what_it_waits_for_can_fail(self):
        failing, seen = asyncio.get_running_loop().create_future(), []

        async def catches():
            try:
                await failing
            except OSError as error:
                seen.append(str(error))

        task = eagerly.start(catches())
        failing.set_exception(OSError("gone"))
        await task
        assert seen == ["gone"]

    async def test_a_cancellation_reaches_it(self):
        seen = []

        async def waits():
            try:
                await asyncio.Event().wait()
            finally:
                seen.append("cleaned up")

        task = eagerly.start(waits())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert seen == ["cleaned up"]
