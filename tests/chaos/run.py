"""The whole story: a job, three nodes, misdeeds and kills; and what came of it."""

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import kills, truth
from tests.chaos.farm import Farm
from tests.stories.creator import Creator, await_that

FRAME_SECONDS = 0.05
CREDITS = 10_000
END_SECONDS = 3_600.0


@dataclass
class Outcome:
    frames: int
    misdeeds: Counter
    heard: Counter
    recoveries: list[tuple[str, float]]  # process, seconds
    by_node: list[tuple]  # name, outcome, attempts, charged micros
    problems: list[str]
    ledger: str
    notes: list[str] = field(default_factory=list)


def play(stack, folder: Path, scene: Path, *, seed: int, frames: int, kill_count: int) -> Outcome:
    """Everything that is drawn by chance comes from `seed`.

    Raises:
        AssertionError: the job does not get to its end.
        Stop: the ledger is not in order.
    """
    rng = random.Random(seed)
    creator = Creator(stack)
    stack.manage("top_up", "demo:creator", str(CREDITS), "--reason=chaos", "--key=chaos")
    job = creator.upload(scene)
    creator.submit(job, frames=f"1-{frames}", name="Chaos")
    killer = kills.Killer(stack, lambda: truth.accepted(creator, job))
    with Farm(stack, folder, rng, FRAME_SECONDS) as farm:
        farm.await_misdeeds()
        farm.join()
        for after, process in kills.plan(rng, frames=frames, kills=kill_count):
            await_that(lambda after=after: killer.accepted() >= after, f"{after} frames accepted", seconds=END_SECONDS)
            killer.kill(process)
        creator.finish(job, seconds=END_SECONDS)
        farm.require_alive()
    return Outcome(
        frames=killer.accepted(),
        misdeeds=farm.liar.done,
        heard=+farm.liar.heard,
        recoveries=killer.done,
        by_node=creator.ask(truth.BY_NODE, job),
        problems=truth.problems(creator, job),
        ledger=stack.manage("check_ledger").strip().splitlines()[-1],
    )
