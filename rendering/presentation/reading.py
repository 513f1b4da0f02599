"""What a job's page needs of the database: every fact is read once, however many parts show it."""

from datetime import datetime
from functools import cached_property

from django.db.models import Exists, OuterRef, QuerySet

from common.written import written_once
from rendering.forecast import Timing
from rendering.models import Film, Job, Output, Task
from rendering.presentation import frame_map, timings
from rendering.presentation.words import Counts
from rendering.services.settlement import KIND
from workers import services as queue


@written_once
def newest_output(job_id: int) -> QuerySet[Output]:
    return Output.objects.newest_of(job_id)


class Reading:
    """One look at a job. The number of queries does not depend on the number of its frames."""

    def __init__(self, job: Job, now: datetime):
        self.job, self.now = job, now
        self.window_tasks: list[Task] = []  # what the grid has read, when it is part of this look

    @cached_property
    def _map(self) -> frame_map.FrameMap:
        return frame_map.map_of(self.job)

    @property
    def cells(self) -> list[frame_map.Cell]:
        return self._map.cells

    @property
    def _has_map(self) -> bool:
        """Whether a part has read it: one that shows sums alone need not count 10,000 frames."""
        return "_map" in vars(self)

    @cached_property
    def refused(self) -> int:
        return self._map.refused if self._has_map else frame_map.refused_of(self.job)

    @cached_property
    def counts(self) -> Counts:
        if self._has_map:
            return frame_map.counts_of(self.job, self.cells)
        return Counts.of(self.job.frame_count, Task.objects.counts_by_job([self.job]).get(self.job.pk, {}))

    @cached_property
    def times(self) -> timings.Times:
        return timings.times_of(self.job, accepted=self.counts.accepted)

    @cached_property
    def timing(self) -> Timing:
        return timings.timing_of(self.times.groups)

    @cached_property
    def at_work(self) -> list:
        """Who has frames of the job now; asked for only while there can be any."""
        return queue.nodes_at_work(KIND, self.job.pk) if self.counts.rendering else []

    @cached_property
    def nodes_running(self) -> int:
        return len({row.worker_id for row in self.at_work if row.place == 0})

    @cached_property
    def frames_at_work(self) -> dict[int, int]:
        """Numbers of frames, or of tiles, by task, of what nodes hold; read only where the shown window does not hold all of them."""
        known = {task.pk: task.number for task in self.window_tasks}
        missing = [row.reference for row in self.at_work if row.reference not in known]
        if missing:
            known |= {task.pk: task.number for task in Task.objects.filter(job=self.job, pk__in=missing).only("frame", "tile")}
        return known

    @cached_property
    def waiting_words(self) -> str:
        """Why nothing of the job is on a node, in the queue's words; empty while something is."""
        idle = self.counts.waiting and not self.counts.active
        return (queue.waiting_reason(KIND, self.job.pk) or "") if idle else ""

    @cached_property
    def newest(self) -> Output | None:
        """The frame that was accepted last."""
        return next(iter(newest_output(self.job.pk)), None) if self.counts.accepted else None

    @cached_property
    def film(self) -> Film | None:
        """The newest, with `is_behind`: frames were paid for since. Views may say that there is none (`has_film`)."""
        if not getattr(self.job, "has_film", True):
            return None
        later = Output.objects.filter(attempt__task__job=OuterRef("job"), attempt__outcome="accepted").exclude(storage_key="")
        films = Film.objects.filter(job=self.job).annotate(is_behind=Exists(later.filter(pk__gt=OuterRef("newest_output"))))
        return films.order_by("-id").first()
