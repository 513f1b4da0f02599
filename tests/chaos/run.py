"""The whole story: a job, three nodes, misdeeds and faults; and what came of it."""

import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.chaos import truth
from tests.chaos.farm import Farm
from tests.chaos.faults import Stage
from tests.chaos.liar import TAKEN
from tests.chaos.network import Road
from tests.stories.creator import Creator, await_that

CREDITS = 10_000
END_SECONDS = 3_600.0


@dataclass(frozen=True)
class Form:
    """How much of it. Everything that is drawn by chance comes from `seed`."""

    seed: int
    frames: int
    faults: int  # that are staged; misdeeds of the liar come on top
    frame_seconds: float


@dataclass
class Outcome:
    frames: int
    misdeeds: Counter
    heard: Counter
    recoveries: list[tuple[str, float]]  # kind of fault, seconds
    by_node: list[tuple]  # name, outcome, attempts, charged micros
    problems: list[str]
    ledger: str

    @property
    def faults(self) -> int:
        return len(self.recoveries) + self.misdeeds.total()


def play(stack, road: Road, folder: Path, scene: Path, form: Form) -> Outcome:
    """The folder is that of tests.chaos.disk.

    Raises:
        AssertionError: the job does not get to its end.
        Stop: the ledger is not in order.
    """
    creator = Creator(stack)
    stack.manage("top_up", "demo:creator", str(CREDITS), "--reason=chaos", "--key=chaos")
    job = creator.upload(scene)
    creator.submit(job, frames=f"1-{form.frames}", name="Chaos")
    stage = Stage(stack, road, folder, creator, job, random.Random(f"{form.seed} faults"))
    with Farm(stack, folder / "nodes", random.Random(f"{form.seed} misdeeds"), form.frame_seconds) as farm:
        farm.await_misdeeds()
        farm.join()
        stage.play(form.faults)
        creator.finish(job, seconds=END_SECONDS)
        farm.require_alive()
        await_that(lambda: truth.queues_are_empty(stack), "queues drained", seconds=END_SECONDS)
    return Outcome(
        frames=truth.accepted(creator, job),
        misdeeds=farm.liar.done,
        heard=+farm.liar.heard,
        recoveries=stage.done,
        by_node=creator.ask(truth.BY_NODE, job),
        problems=[
            *truth.problems(creator, job),
            *truth.lost_files(creator, job, stack.var / "files"),
            *[TAKEN] * farm.liar.heard[TAKEN],
        ],
        ledger=stack.manage("check_ledger").strip().splitlines()[-1],
    )
