"""What an entry of the credit history was for: a job, a frame, or the node that rendered it."""

from collections.abc import Sequence

from django.urls import reverse

from credit.links import Link
from rendering.models import Attempt, Job, Task


def of_job(user, words: Sequence[str]) -> list[Link]:
    """`job:12:hold:3`."""
    job = Job.objects.visible_to(user).filter(pk=_number(words, 1)).first()
    return [_job(job)] if job else []


def of_task(user, words: Sequence[str]) -> list[Link]:
    """`task:812:attempt:2:charge`: the frame for its creator, the node for its owner."""
    links = []
    task = Task.objects.filter(pk=_number(words, 1), job__in=Job.objects.visible_to(user)).select_related("job").first()
    if task:
        proof = reverse("rendering:frame-detail", args=[task.job_id, task.frame])
        links += [_job(task.job), Link(f"Proof page of frame {task.frame}", proof, "badge-check")]
    attempts = Attempt.objects.filter(task=_number(words, 1), number=_number(words, 3), worker__owner=user)
    links += [
        Link(f"Node {attempt.worker.name}", reverse("workers:worker-detail", args=[attempt.worker_id]), "server")
        for attempt in attempts.select_related("worker")
    ]
    return links


def _job(job: Job) -> Link:
    return Link(f"Job {job.name}", job.get_absolute_url(), "box")


def _number(words: Sequence[str], place: int) -> int:
    """A word of the key as a row's number; 0, which no row has, for anything else."""
    return int(words[place]) if len(words) > place and words[place].isdecimal() else 0
