"""Tasks as work in the queue of `workers`."""

from collections.abc import Iterable

from rendering.choices import TIER_PRIORITY
from rendering.models import Job, Task
from rendering.services.settlement import KIND
from rendering.splitting import FRAME_FIRST, FRAME_LAST
from workers import services as queue
from workers.kinds import NewWork

FRAMES_ALL = FRAME_LAST - FRAME_FIRST + 1


def enqueue_tasks(job: Job, tasks: Iterable[Task], **more) -> None:
    """Put waiting tasks into the queue: jobs in the order of their ids, frames in theirs. `more`: of NewWork."""
    needs = requirements(job)
    queue.enqueue(
        KIND,
        [
            NewWork(
                reference=task.pk,
                group=job.pk,
                owner_id=job.owner_id,
                requirements=needs,
                priority=TIER_PRIORITY[job.tier],
                sort=job.pk * FRAMES_ALL + task.frame - FRAME_FIRST,
                attempts=task.attempt,
                **more,
            )
            for task in tasks
        ],
    )


def requirements(job: Job) -> dict:
    """The fields of workers.matching.Requirements that this job states."""
    return {
        "engine": job.engine,
        "blender_version": job.blender_version,
        "ram_bytes_min": int(job.scene.inspection.get("memory_bytes_estimate") or 0),
    }
