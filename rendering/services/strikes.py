"""What is learned from how attempts ended: which node fails on which scene, and which frame fails on every node.

The facts about nodes are pushed down to `workers`, which keeps the nodes and what did not fit them apart from then on.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from datetime import datetime
from typing import NamedTuple

from rendering import reasons
from rendering.models import Attempt, Job, Task
from rendering.reasons import Reason
from rendering.wishes import requirements
from workers import services as queue
from workers.elsewhere import fits_elsewhere

DETAIL_MAX = 300  # characters of a line of the job's history


class Strike(NamedTuple):
    """An attempt that failed and counts."""

    worker_id: int
    owner_id: int
    node: str
    reason: str


def strikes_of(used: dict[int, int]) -> dict[int, list[Strike]]:
    """The newest strikes of tasks, oldest first. `used`: how many count, by task; those before a new start do not."""
    wanted = {task_id: count for task_id, count in used.items() if count}
    rows = Attempt.objects.filter(task__in=wanted).exclude(outcome__in=["", "accepted"]).order_by("-number")
    found: dict[int, list[Strike]] = defaultdict(list)
    for task_id, *strike in rows.values_list("task_id", "worker_id", "worker__owner_id", "worker__name", "outcome"):
        if reasons.outcome(strike[-1]).counts and len(found[task_id]) < wanted[task_id]:
            found[task_id].append(Strike(*strike))
    return {task_id: strikes[::-1] for task_id, strikes in found.items()}


def verdict_on(task: Task, reason: str, strikes: Sequence[Strike], now: datetime) -> reasons.Verdict:
    """What becomes of the task, by these strikes. Whether others could try it is asked only where that decides."""
    nodes, owners = [strike.worker_id for strike in strikes], {strike.owner_id for strike in strikes}
    return reasons.verdict(
        reason,
        nodes,
        agreeing=owners_agreeing(strikes),
        owners=len(owners),
        others_wait=reasons.asks_for_others(nodes, len(owners)) and others_wait(task, owners, now),
    )


def others_wait(task: Task, owner_ids: Set[int], now: datetime) -> bool:
    """Is a node online that fits the task and is of none of these owners?"""
    job = Job.objects.select_related("scene").get(pk=task.job_id)
    return fits_elsewhere(requirements(job), job.scene.scene_key, whose=job.owner_id, but_of=owner_ids, now=now)


def owners_agreeing(strikes: Iterable[Strike]) -> int:
    """How many owners' nodes say that the whole job is hopeless."""
    return len({strike.owner_id for strike in strikes if reasons.outcome(strike.reason).stops_job})


def why_quarantined(strikes: Sequence[Strike]) -> str:
    """ "atelier: Blender crashed on the node. attic: ..." """
    last = {strike.worker_id: strike for strike in strikes}
    return " ".join(f"{strike.node}: {reasons.words(strike.reason)}" for strike in last.values())[:DETAIL_MAX]


def learn_from_failures(attempts: Iterable[tuple[Attempt, str]], now: datetime) -> None:
    """Tell the queue which nodes these scenes did not fit. `attempts`: with task and job, and why each failed."""
    failed = [(attempt, reason) for attempt, reason in attempts if _concerns_fit(reason)]
    scenes = _scenes(attempt.task for attempt, _ in failed)
    for attempt, reason in sorted(failed, key=lambda pair: pair[0].worker_id):
        key, name = scenes[attempt.task_id]
        note = queue.note_out_of_memory if reason == Reason.OUT_OF_MEMORY else queue.note_failure
        note(attempt.worker_id, key, title=name, words=reasons.words(reason), now=now)


def _concerns_fit(reason: str) -> bool:
    return reason == Reason.OUT_OF_MEMORY or reasons.outcome(reason).counts


def _scenes(tasks: Iterable[Task]) -> dict[int, tuple[str, str]]:
    """Key and name of each task's scene."""
    rows = Task.objects.filter(pk__in=[task.pk for task in tasks])
    return {pk: (key, name) for pk, key, name in rows.values_list("pk", "job__scene__scene_key", "job__scene__name")}


def learn_from_successes(attempts: Sequence[Attempt], scene_key: str) -> None:
    """Accepted frames of one scene: what failed on these nodes before is no longer in a row."""
    queue.note_successes((attempt.worker_id, scene_key) for attempt in attempts)
