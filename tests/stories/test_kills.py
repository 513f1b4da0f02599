"""Kill -9 in the middle of a frame: the job completes, every frame is charged once, the ledger balances."""

import os
import signal

import pytest

from tests.stories.creator import Creator, await_that

pytestmark = [pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender"), pytest.mark.timeout(1_800)]
SLOW_SAMPLES = "4000"  # about a second a frame at 48 x 27


@pytest.mark.parametrize("process", ["node", "feeder", "background", "sockets", "web", "postgres", "valkey"])
def test_a_job_survives_a_kill(creator: Creator, stack, tiny_scene, process):
    job = creator.upload(tiny_scene)
    creator.submit(job, samples=SLOW_SAMPLES)
    before = stack.pid_of(process)
    with creator.rendering(job):
        os.kill(before, signal.SIGKILL)
    await_that(lambda: stack.pid_of(process) != before, f"{process} started again")
    creator.finish(job)
    assert creator.tasks(job) == {"accepted": 4}
    assert set(creator.charges(job).values()) == {1}
    stack.manage("check_ledger")
