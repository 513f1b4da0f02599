"""Tasks, how many are in each status, the attempts of nodes at them, and the frames these left."""

from typing import NamedTuple

from django.contrib.postgres.indexes import HashIndex
from django.db import connection, models
from django.db.models import Avg, Count, OuterRef, Q, Subquery, Sum

from rendering.choices import ImageFormat
from rendering.models.jobs import Job, JobEvent, JobQuerySet
from rendering.states import TaskStatus
from rendering.tiling import Box


class TaskQuerySet(models.QuerySet):
    def counts_by_job(self, jobs) -> dict[int, dict[str, int]]:
        """How many tasks each of `jobs` (rows or ids) has in each status: {12: {"accepted": 27, ...}}. One query."""
        counts: dict[int, dict[str, int]] = {}
        for job_id, status, tasks in TaskCount.objects.filter(job__in=jobs).sums():
            counts.setdefault(job_id, {})[status] = tasks
        return counts

    def with_thumbnails(self):
        """Adds `thumbnail_key` of the newest attempt; None or "" while there is none."""
        newest = Output.objects.filter(attempt__task=OuterRef("pk"), attempt__number=OuterRef("attempt"))
        return self.annotate(thumbnail_key=Subquery(newest.values("thumbnail_key")[:1]))

    def with_start(self):
        """Adds `started_at` of the newest attempt: None while the frame is only next in line on its node."""
        newest = Attempt.objects.filter(task=OuterRef("pk"), number=OuterRef("attempt"))
        return self.annotate(started_at=Subquery(newest.values("started_at")[:1]))


class Task(models.Model):
    """One frame of a job, or one tile of its only frame."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="tasks")
    frame = models.IntegerField()
    tile = models.PositiveSmallIntegerField(default=0, db_default=0)  # from 1, row by row; 0: the whole frame
    status = models.CharField(max_length=12, choices=TaskStatus, default=TaskStatus.WAITING)
    attempts_used = models.PositiveSmallIntegerField(default=0)  # those that count against the limit
    attempt = models.PositiveIntegerField(default=0)  # number of the newest one
    reason = models.CharField(max_length=40, blank=True)  # of the last return or failure
    charged_micros = models.BigIntegerField(default=0)
    accepted_at = models.DateTimeField(null=True, blank=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering = ["frame", "tile"]
        constraints = [
            models.UniqueConstraint(fields=["job", "frame", "tile"], name="task_once_per_frame_and_tile"),
            models.CheckConstraint(condition=Q(status__in=TaskStatus.values), name="task_status_known"),
        ]
        indexes = [
            models.Index(fields=["job", "status"], name="task_by_job_and_status"),
            models.Index(fields=["id"], name="task_unchecked", condition=Q(status="checking")),
            models.Index(fields=["job", "-accepted_at"], name="task_accepted_last", condition=Q(status="accepted")),
        ]

    def __str__(self) -> str:
        return f"Task {self.pk}, {self.words}"

    @property
    def words(self) -> str:
        """ "frame 7", "frame 7, tile 3"."""
        return f"frame {self.frame}, tile {self.tile}" if self.tile else f"frame {self.frame}"

    @property
    def number(self) -> int:
        """What tells it from the others of its job: its tile, else its frame."""
        return self.tile or self.frame

    @property
    def ordered_picture(self) -> "OrderedPicture":
        """What its node is to deliver. Tiles come raw, with every pass, whatever the frame will be written as."""
        job = self.job
        if not self.tile:
            return OrderedPicture(job.width, job.height, job.format, job.depth_bits)
        region = job.grid.ordered(self.tile, job.width, job.height)
        return OrderedPicture(region.width, region.height, ImageFormat.EXR_LAYERS, 32, region)


class OrderedPicture(NamedTuple):
    """Size and format of the file of one task."""

    width: int
    height: int
    format: str
    depth_bits: int
    region: Box | None = None


class TaskCountQuerySet(models.QuerySet):
    def sums(self):
        """(job id, status, tasks) of those that are not nought."""
        rows = self.order_by().values_list("job_id", "status").annotate(sum=Sum("tasks"))
        return rows.exclude(sum=0)

    def total(self, *statuses: str) -> int:
        """Tasks in one of `statuses` over all these jobs."""
        return self.filter(status__in=statuses).aggregate(sum=Sum("tasks"))["sum"] or 0


class TaskCount(models.Model):
    """A change of how many tasks of a job are in a status; the sum counts them, and no page needs to read the tasks.

    Written by a trigger beside every change of tasks, so it is always true, and added instead of updated, so that nobody
    waits for anybody; rendering.counts folds the rows of a job into one per status.
    """

    job = models.ForeignKey(Job, on_delete=models.DO_NOTHING, related_name="task_counts", db_constraint=False)
    status = models.CharField(max_length=12, choices=TaskStatus)
    tasks = models.IntegerField()

    objects = TaskCountQuerySet.as_manager()


TIMED_FRAMES = 100
TIMING = """
    SELECT job_id, count(*) AS frames, avg(attempt.render_seconds) AS mean_seconds,
           stddev_pop(attempt.render_seconds) AS deviation_seconds, avg(task.charged_micros)::float AS mean_micros
    FROM unnest(%s::bigint[]) AS job(job_id), LATERAL (
        SELECT id, attempt, charged_micros FROM rendering_task
        WHERE rendering_task.job_id = job.job_id AND status = 'accepted' ORDER BY accepted_at DESC LIMIT %s
    ) AS task
    JOIN rendering_attempt AS attempt ON attempt.task_id = task.id AND attempt.number = task.attempt
    WHERE attempt.render_seconds IS NOT NULL GROUP BY job_id
"""


class AttemptQuerySet(models.QuerySet):
    def accepted(self):
        return self.filter(outcome="accepted")

    def timing_by_job(self, jobs) -> dict[int, dict]:
        """Mean and deviation of the seconds and mean charge of the frames accepted last, for each of `jobs`. One query.

        {12: {"frames": 100, "mean_seconds": 3.1, "deviation_seconds": 0.2, "mean_micros": 310}}; at most TIMED_FRAMES a job,
        since what comes next resembles what came last, and a long job costs no more than a short one.
        """
        ids = [getattr(job, "pk", job) for job in jobs]
        with connection.cursor() as cursor:
            cursor.execute(TIMING, [ids, TIMED_FRAMES])
            names = [column.name for column in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return {row.pop("job_id"): row for row in rows}

    def by_node(self):
        """(node's name, frames, mean seconds) of these attempts, most frames first."""
        rows = self.order_by().values_list("worker__name")
        return rows.annotate(frames=Count("id"), mean_seconds=Avg("render_seconds")).order_by("-frames", "worker__name")[:20]

    def nodes_by_job(self, jobs) -> dict[int, int]:
        """On how many nodes each of `jobs` is being rendered now. One query."""
        live = self.filter(task__job__in=jobs, task__status=TaskStatus.RENDERING, outcome="", started_at__isnull=False)
        return dict(live.order_by().values_list("task__job_id").annotate(nodes=Count("worker", distinct=True)))


class Attempt(models.Model):
    """One try of a task by one node, with the prices frozen when it was assigned."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    worker = models.ForeignKey("workers.Worker", on_delete=models.PROTECT, related_name="attempts")
    seed = models.PositiveIntegerField()
    rate_micros = models.BigIntegerField()  # per reference second
    score_milli = models.PositiveIntegerField()
    worker_bp = models.PositiveIntegerField()
    checkers_bp = models.PositiveIntegerField()
    network_bp = models.PositiveIntegerField()
    leased_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    rendered_at = models.DateTimeField(null=True)  # commitment of the pixel hash
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=40, blank=True)  # "" live, "accepted", or a rendering.reasons.Reason
    render_seconds = models.FloatField(null=True)  # by the node
    billable_ms = models.BigIntegerField(default=0)  # what was charged for, in milliseconds of this node
    charged_micros = models.BigIntegerField(default=0)
    refunded_micros = models.BigIntegerField(null=True)  # of a refuted picture: given back; None: not settled yet
    device = models.CharField(max_length=16, blank=True, default="", db_default="")  # as the node says: CPU, CUDA, OPTIX ...
    pixels_sha256 = models.CharField(max_length=64, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    log_tail = models.TextField(blank=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "number"], name="attempt_number_once")]
        indexes = [
            models.Index(fields=["worker", "-leased_at"], name="attempt_newest_of_worker"),
            models.Index(fields=["outcome"], name="attempt_refused", condition=~Q(outcome__in=["", "accepted"])),
            HashIndex(fields=["pixels_sha256"], name="attempt_accepted_by_pixels", condition=Q(outcome="accepted")),
        ]

    def __str__(self) -> str:
        return f"Attempt {self.number} of task {self.task_id}"


class OutputQuerySet(models.QuerySet):
    def current(self):
        """Frames of the newest attempt of tasks that are being checked or accepted."""
        return self.filter(
            attempt__number=models.F("attempt__task__attempt"),
            attempt__task__status__in=[TaskStatus.CHECKING, TaskStatus.ACCEPTED],
        )

    def newest_of(self, job_id: int):
        """The frame of a job that was accepted last, with task and node; found by its event: frames have no such index."""
        accepted = JobEvent.objects.filter(job=job_id, became=TaskStatus.ACCEPTED, task__status=TaskStatus.ACCEPTED)
        newest = accepted.order_by("-at", "-id").values("task")[:1]
        found = self.current().filter(attempt__task=Subquery(newest)).exclude(preview_key="")
        return found.select_related("attempt__task", "attempt__worker")[:1]

    def newest_among(self, jobs: "JobQuerySet"):
        """The frame of these jobs that was accepted last, with job, task and node; one row or none."""
        last = Task.objects.filter(job=OuterRef("pk"), status=TaskStatus.ACCEPTED).order_by("-accepted_at")[:1]
        tasks = Job.objects.filter(pk__in=jobs.values("pk")).annotate(last=Subquery(last.values("pk"))).values("last")
        found = self.current().filter(attempt__task__in=tasks).exclude(preview_key="").order_by("-attempt__task__accepted_at")
        return found.select_related("attempt__task__job", "attempt__worker")[:1]

    def accepted_of(self, job_id: int):
        """The paid frames of a job, or its tiles, in the order of their numbers: of each task the newest that was accepted.

        One that is being rendered again keeps its paid frame until a newer one is accepted.
        """
        paid = self.filter(attempt__task__job=job_id, attempt__outcome="accepted").exclude(storage_key="")
        numbers = ("attempt__task__frame", "attempt__task__tile")
        return paid.order_by(*numbers, "-attempt__number").distinct(*numbers)

    def newer_than(self, film):
        """Frames of the film's job that were paid for after it was made: it is out of date."""
        paid = self.filter(attempt__task__job=film.job_id, attempt__outcome="accepted").exclude(storage_key="")
        return paid.filter(pk__gt=film.newest_output)


class Output(models.Model):
    """The frame of one attempt, in the store."""

    attempt = models.OneToOneField(Attempt, on_delete=models.CASCADE, related_name="output")
    storage_key = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    preview_key = models.CharField(max_length=200, blank=True)  # up to 1280 px WebP
    thumbnail_key = models.CharField(max_length=200, blank=True)  # 240 px WebP
    crc32 = models.BigIntegerField(null=True)  # of the file, read when it was checked; None: accepted before it was kept
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OutputQuerySet.as_manager()


class MergedFrame(models.Model):
    """The frame of a job that was rendered in tiles, put together from them; until then, or where that failed, without a file."""

    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="merged_frame")
    newest_output = models.BigIntegerField()  # the highest id of its tiles; a higher one outdates it
    storage_key = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    pixels_sha256 = models.CharField(max_length=64, blank=True)
    size_bytes = models.BigIntegerField(default=0)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    preview_key = models.CharField(max_length=200, blank=True)  # up to 1280 px WebP
    thumbnail_key = models.CharField(max_length=200, blank=True)  # 240 px WebP
    crc32 = models.BigIntegerField(null=True)  # of the file; None: made before it was kept
    tries = models.PositiveSmallIntegerField(default=0)  # that failed, of these tiles
    failure = models.CharField(max_length=300, blank=True)
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Merged frame of job {self.job_id}"
