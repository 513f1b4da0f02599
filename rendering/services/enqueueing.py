"""Tasks as work in the queue of `workers`."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from rendering.choices import QUEUE_TIERS, RenderOrder
from rendering.models import Job, Task
from rendering.services.settlement import KIND
from rendering.splitting import FRAME_FIRST, FRAME_LAST, parse_frames, sort_numbers
from rendering.wishes import requirements
from workers import services as queue
from workers.kinds import AVOIDED_FOR, NewWork

FRAMES_ALL = FRAME_LAST - FRAME_FIRST + 1


NOBODY: Mapping[int, int] = {}


def enqueue_tasks(job: Job, tasks: Iterable[Task], *, avoided: Mapping[int, int] = NOBODY, now: datetime | None = None) -> None:
    """Put waiting tasks into the queue: jobs in the order of their ids, frames in that of the job.

    Args:
        avoided: task -> the node that had it last: others go first for a while from `now` on.
    """
    until = now + AVOIDED_FOR if avoided and now else None
    needs, place = requirements(job), places_of_frames(job)
    queue.enqueue(
        KIND,
        [
            NewWork(
                reference=task.pk,
                group=job.pk,
                owner_id=job.owner_id,
                requirements=needs,
                tier=QUEUE_TIERS[job.tier],
                sort=job.pk * FRAMES_ALL + place(task.frame),
                needed_by_at=job.needed_by_at,
                affinity=job.scene.scene_key,
                attempts=task.attempt,
                avoided_id=avoided.get(task.pk),
                avoided_until=until if task.pk in avoided else None,
            )
            for task in tasks
        ],
    )


def places_of_frames(job: Job) -> Callable[[int], int]:
    """A function from a frame to its place among the frames of the job, by the order that its creator chose."""
    if job.render_order == RenderOrder.IN_ORDER:
        return lambda frame: frame - FRAME_FIRST
    numbers = sort_numbers(parse_frames(job.frames), job.render_order, step=job.order_step, preview_step=job.gate_step)
    return lambda frame: numbers.get(frame, FRAMES_ALL - 1)
