"""What a job's page needs of the database: every fact is read once, however many parts show it."""

from datetime import datetime
from functools import cached_property

from rendering.forecast import Timing
from rendering.models import Attempt, Film, Job, Output, Task
from rendering.presentation import frame_map, timings
from rendering.presentation.words import Counts
from rendering.reasons import Reason
from rendering.services.settlement import KIND
from rendering.states import TaskStatus
from workers import services as queue

CHECKED_BY_US = [
    Reason.FILE_MISSING,
    Reason.UNDECODABLE,
    Reason.WRONG_SIZE,
    Reason.WRONG_CHANNELS,
    Reason.NOT_FINITE,
    Reason.HASH_MISMATCH,
    Reason.BLACK,
    Reason.CONSTANT,
    Reason.DUPLICATE,
]


class Reading:
    """One look at a job. The number of queries does not depend on the number of its frames."""

    def __init__(self, job: Job, now: datetime):
        self.job, self.now = job, now

    @cached_property
    def cells(self) -> list[frame_map.Cell]:
        return frame_map.cells_of(self.job)

    @cached_property
    def counts(self) -> Counts:
        return frame_map.counts_of(self.job, self.cells)

    @cached_property
    def timings(self) -> list[timings.Group]:
        return timings.groups_of(self.job, accepted=self.counts.accepted)

    @cached_property
    def timing(self) -> Timing:
        return timings.timing_of(self.timings)

    @cached_property
    def at_work(self) -> list:
        """Who has frames of the job now; asked for only while there can be any."""
        return queue.nodes_at_work(KIND, self.job.pk) if self.counts.rendering else []

    @cached_property
    def nodes_running(self) -> int:
        return len({row.worker_id for row in self.at_work if row.place == 0})

    @cached_property
    def frames_at_work(self) -> dict[int, int]:
        """Frame numbers by task, of what nodes hold."""
        held = [row.reference for row in self.at_work]
        return dict(Task.objects.filter(job=self.job, pk__in=held).values_list("pk", "frame")) if held else {}

    @cached_property
    def waiting_words(self) -> str:
        """Why nothing of the job is on a node, in the queue's words; empty while something is."""
        idle = self.counts.waiting and not self.counts.active
        return (queue.waiting_reason(KIND, self.job.pk) or "") if idle else ""

    @cached_property
    def newest(self) -> Output | None:
        """The frame that was accepted last."""
        return Output.objects.newest_of(self.job.pk) if self.counts.accepted else None

    @cached_property
    def film(self) -> Film | None:
        return Film.objects.filter(job=self.job).order_by("-id").first() if self.counts.accepted else None

    @cached_property
    def refused(self) -> int:
        """Attempts whose frame did not pass the checks. Such a task has had another attempt, or has ended."""
        refused = Attempt.objects.filter(task__job=self.job, outcome__in=CHECKED_BY_US)
        return refused.exclude(task__attempt=1, task__status=TaskStatus.ACCEPTED).count()
