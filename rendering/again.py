"""Rendering chosen frames once more: which frames can be, and what is said of the price before anybody confirms."""

from dataclasses import dataclass

from django.db.models import Avg, Q

from common.money import format_exact
from common.words import plural
from rendering.models import Job, Task
from rendering.reasons import Fault, outcome
from rendering.states import TaskStatus

ENDED = (TaskStatus.FAILED, TaskStatus.ACCEPTED)


@dataclass(frozen=True)
class Selection:
    """The frames that were chosen and can be rendered again, by what it costs."""

    task_ids: list[int]
    accepted: int
    failed: int
    failed_by_others: int  # of the failed ones: by a node's or the network's fault
    frame_micros: int | None  # what an accepted frame of the job cost on average

    @property
    def sentences(self) -> list[str]:
        """What it costs, before it is confirmed."""
        return [words for words in (self._accepted_words(), self._failed_words()) if words]

    def _accepted_words(self) -> str:
        if not self.accepted:
            return ""
        about = f", about {format_exact(self.frame_micros * self.accepted)} credits" if self.frame_micros else ""
        frames = plural(self.accepted, "accepted frame")
        return f"{frames}: charged again{about}. Each has passed every check; the picture you have stays yours until the new one is in. Where two other nodes then agree on a different picture, the first one's charge is given back."

    def _failed_words(self) -> str:
        if not self.failed:
            return ""
        frames = plural(self.failed, "failed frame")
        if self.failed_by_others == self.failed:
            return f"{frames}: free so far, the fault was not yours; charged once, when it is accepted."
        return f"{frames}: nothing was charged for the attempts that failed; charged once, when it is accepted."


def selection_of(job: Job, *, which: str, numbers: list[int] | None = None) -> Selection:
    """`which`: "failed" for all that failed, "frames" for those (of a still: its tiles) with these numbers. Two queries."""
    tasks = job.tasks.filter(status__in=ENDED)
    wanted = tasks.filter(status=TaskStatus.FAILED) if which == "failed" else tasks.filter(**{f"{job.unit}__in": numbers or []})
    rows = list(wanted.order_by("frame", "tile").values_list("pk", "status", "reason"))
    failed = [reason for _, status, reason in rows if status == TaskStatus.FAILED]
    return Selection(
        task_ids=[pk for pk, _, _ in rows],
        accepted=len(rows) - len(failed),
        failed=len(failed),
        failed_by_others=sum(outcome(reason).fault != Fault.USER for reason in failed),
        frame_micros=_frame_micros(job) if len(rows) > len(failed) else None,
    )


def _frame_micros(job: Job) -> int:
    paid = Q(job=job, status=TaskStatus.ACCEPTED, charged_micros__gt=0)
    return round(Task.objects.filter(paid).aggregate(mean=Avg("charged_micros"))["mean"] or 0)
