"""Scenes, jobs, tasks, attempts and outputs. Statuses are moved by rendering.services alone."""

import secrets
import uuid

from django.conf import settings
from django.contrib.postgres.indexes import HashIndex
from django.db import connection, models
from django.db.models import Avg, Count, Exists, Max, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce, Greatest
from django.urls import reverse

from rendering.choices import FilmFormat, Tier, Visibility
from rendering.states import SUBMITTED, JobStatus, PauseReason, ProbeStatus, TaskStatus


def new_secret() -> bytes:
    return secrets.token_bytes(32)


def new_watch_token() -> str:
    return "v_" + secrets.token_urlsafe(18)


class UploadQuerySet(models.QuerySet):
    def unfinished(self, user):
        """Uploads of `user` that are begun and have made no job yet."""
        return self.filter(owner=user).exclude(pk__in=Scene.objects.filter(upload__isnull=False).values("upload"))


class Upload(models.Model):
    """Files of one scene on their way to us, in parts; gone when they became a scene or went stale.

    `files` is what the creator announced: [path, size in bytes, sha256 or "", is it here already], in this order.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=255)
    files = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    # Of what was announced: the same again goes on here.
    manifest_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")
    size_bytes = models.BigIntegerField()  # of what is to be sent
    received_bytes = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField(auto_now=True)

    objects = UploadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(received_bytes__gte=0) & Q(received_bytes__lte=models.F("size_bytes")), name="upload_within_size"
            )
        ]
        indexes = [models.Index(fields=["owner", "manifest_sha256"], name="upload_by_manifest")]

    def __str__(self) -> str:
        return self.name


class Asset(models.Model):
    """A creator's file, kept once under its hash; never shared between creators (knowing a hash must not give a file)."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="assets")
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    storage_key = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "sha256"], name="asset_once_per_owner")]


class SceneQuerySet(models.QuerySet):
    def owned_by(self, user):
        return self.filter(owner=user)

    def visible_to(self, user):
        return self.all() if user.is_staff else self.owned_by(user)

    def kept(self):
        """Scenes whose files are here."""
        return self.filter(deleted_at=None)

    def unpacked_from(self, user, hashes):
        """Kept scenes of `user` that came in one of these archives."""
        return self.owned_by(user).kept().filter(archive_sha256__in=hashes, upload=None).exclude(archive_sha256="")

    def with_size(self):
        """Adds `size_bytes` and `file_count`."""
        return self.annotate(
            size_bytes=Coalesce(Sum("files__asset__size_bytes"), 0, output_field=models.BigIntegerField()),
            file_count=Count("files"),
        )

    def with_use(self):
        """Adds `job_count`, `last_used_at` (never None) and `is_busy`: a job of it is read or at work."""
        jobs = Job.objects.filter(scene=OuterRef("pk")).order_by()
        last = jobs.values("scene").annotate(at=Max(Coalesce("finished_at", "created_at"))).values("at")
        count = jobs.values("scene").annotate(jobs=Count("pk")).values("jobs")
        return self.annotate(
            job_count=Coalesce(Subquery(count), 0),
            last_used_at=Greatest("created_at", Subquery(last)),
            is_busy=Exists(jobs.filter(status__in=[JobStatus.INSPECTING, *SUBMITTED])),
        )


class Scene(models.Model):
    """What a job renders: a .blend and the files that came with it, and what the sandbox found inside."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="scenes")
    name = models.CharField(max_length=255)  # as uploaded: carousel.blend
    main_path = models.CharField(max_length=1000)  # the .blend below the scene's folder
    scene_key = models.CharField(max_length=64)  # hash over the sorted (path, sha256) list
    inspection = models.JSONField(default=dict, blank=True)  # rendering.inspected.Inspection, and thumbnail_key
    upload = models.ForeignKey(Upload, null=True, on_delete=models.SET_NULL, related_name="+")  # until its files are stored
    archive_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")  # of the .zip it came in
    created_at = models.DateTimeField(auto_now_add=True)
    kept_until = models.DateTimeField(null=True, blank=True)  # asked for by its creator: not before
    noticed_at = models.DateTimeField(null=True, blank=True)  # when its creator was told that it will be deleted
    deleted_at = models.DateTimeField(null=True, blank=True)  # its files are gone; the row stays for its jobs

    objects = SceneQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class SceneFile(models.Model):
    scene = models.ForeignKey(Scene, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=1000)
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["scene", "path"], name="scene_path_once")]


class JobQuerySet(models.QuerySet):
    def owned_by(self, user):
        return self.filter(owner=user)

    def visible_to(self, user):
        return self.all() if user.is_staff else self.owned_by(user)

    def running(self):
        return self.filter(status__in=[JobStatus.QUEUED, JobStatus.RENDERING, JobStatus.PAUSED])

    def unsubmitted(self):
        """Jobs whose settings page still waits for their creator."""
        return self.filter(status__in=[JobStatus.DRAFT, JobStatus.INSPECTING, JobStatus.READY])

    def matching(self, words: str):
        """Jobs whose name or file holds `words`."""
        return self.filter(Q(name__icontains=words) | Q(scene__name__icontains=words)) if words else self


class Job(models.Model):
    """What a creator asked for. Its status is derived from its tasks once it is submitted."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="jobs")
    scene = models.ForeignKey(Scene, on_delete=models.PROTECT, related_name="jobs")
    name = models.CharField(max_length=120)
    status = models.CharField(max_length=12, choices=JobStatus, default=JobStatus.DRAFT)
    pause_reason = models.CharField(max_length=8, choices=PauseReason, blank=True)
    failure = models.CharField(max_length=40, blank=True)  # a rendering.reasons.Reason
    failure_detail = models.CharField(max_length=500, blank=True)

    engine = models.CharField(max_length=20, default="cycles")
    blender_version = models.CharField(max_length=20, default="5.0.1")
    camera = models.CharField(max_length=200, blank=True)
    frames = models.CharField(max_length=500, blank=True)  # as written: "1-100x2, 7"
    width = models.PositiveIntegerField(default=0)  # final pixels
    height = models.PositiveIntegerField(default=0)
    samples = models.PositiveIntegerField(default=0)
    format = models.CharField(max_length=24, default="PNG")
    depth_bits = models.PositiveSmallIntegerField(default=0, db_default=0)  # per channel; 0: as in the file
    quality_percent = models.PositiveSmallIntegerField(default=0, db_default=0)  # of JPEG; 0: as in the file
    denoise = models.BooleanField(null=True)

    tier = models.CharField(max_length=12, default="standard")
    device = models.CharField(max_length=8, default="any", db_default="any")  # rendering.choices.Device
    gpu_vendor = models.CharField(max_length=12, blank=True, default="", db_default="")  # rendering.choices.GpuVendor
    gpu_model = models.CharField(max_length=80, blank=True, default="", db_default="")  # part of its name
    gpus_min = models.PositiveSmallIntegerField(default=0, db_default=0)  # GPUs of one node
    location = models.CharField(max_length=40, blank=True, default="", db_default="")  # a key of workers.places
    reliability_min_percent = models.PositiveSmallIntegerField(default=0, db_default=0)
    nodes = models.CharField(max_length=8, default="any", db_default="any")  # rendering.choices.Nodes: whose
    one_device_class = models.BooleanField(default=False, db_default=False)  # every frame on the same kind of device
    device_class = models.CharField(max_length=100, blank=True, default="", db_default="")  # that kind, fixed at submit

    render_order = models.CharField(max_length=12, default="in_order", db_default="in_order")  # rendering.choices.RenderOrder
    order_step = models.PositiveIntegerField(default=10, db_default=10)  # N of "every Nth first"
    needed_by_at = models.DateTimeField(null=True, blank=True)
    gate_step = models.PositiveIntegerField(default=0, db_default=0)  # every Nth frame first, then approval; 0: none
    gate_approved_at = models.DateTimeField(null=True, blank=True)
    cap_micros = models.BigIntegerField(null=True, blank=True)  # spend cap; None: no cap
    pause_percent = models.PositiveSmallIntegerField(default=100, db_default=100)  # of the cap, at which the job pauses

    # The range shown before submit, to be held against the truth
    estimate_low_micros = models.BigIntegerField(null=True, editable=False)
    estimate_high_micros = models.BigIntegerField(null=True, editable=False)
    estimate_low_seconds = models.FloatField(null=True, editable=False)
    estimate_high_seconds = models.FloatField(null=True, editable=False)
    estimate_basis = models.CharField(max_length=200, blank=True, editable=False, default="", db_default="")

    secret = models.BinaryField(default=new_secret, editable=False)  # seeds and, later, audit draws
    hold_id = models.BigIntegerField(null=True, editable=False)  # credit.Hold of this job
    hold_moves = models.PositiveIntegerField(default=0, editable=False)  # numbers the keys of its holds and extensions
    charged_micros = models.BigIntegerField(default=0)
    dearest_micros = models.BigIntegerField(null=True, editable=False)  # of its accepted frames; None: there is none yet
    frame_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    frames_kept_until = models.DateTimeField(null=True, blank=True)  # asked for by its creator: not before
    frames_noticed_at = models.DateTimeField(null=True, blank=True)  # when its creator was told that they will be deleted
    frames_deleted_at = models.DateTimeField(null=True, blank=True)  # frames and films are gone; rows and money stay

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=JobStatus.values), name="job_status_known"),
            models.CheckConstraint(
                condition=Q(status=JobStatus.PAUSED, pause_reason__in=PauseReason.values)
                | (~Q(status=JobStatus.PAUSED) & Q(pause_reason="")),
                name="job_paused_with_a_reason",
            ),
            models.CheckConstraint(condition=Q(charged_micros__gte=0), name="job_charged_not_negative"),
            models.CheckConstraint(
                condition=Q(cap_micros=None) | Q(cap_micros__gte=models.F("charged_micros")), name="job_within_its_cap"
            ),
            models.CheckConstraint(condition=Q(pause_percent__gte=1, pause_percent__lte=100), name="job_pauses_within_its_cap"),
        ]
        indexes = [
            models.Index(fields=["owner", "-id"], name="job_newest_of_owner"),
            models.Index(
                fields=["status"], name="job_unsettled", condition=Q(status__in=["inspecting", "queued", "rendering", "paused"])
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("rendering:job-detail", args=[self.pk])


class TaskQuerySet(models.QuerySet):
    def counts_by_job(self, jobs) -> dict[int, dict[str, int]]:
        """How many tasks each of `jobs` (rows or ids) has in each status: {12: {"accepted": 27, ...}}. One query."""
        counts: dict[int, dict[str, int]] = {}
        for job_id, status, tasks in TaskCount.objects.filter(job__in=jobs).sums():
            counts.setdefault(job_id, {})[status] = tasks
        return counts

    def on_the_server(self):
        """Tasks whose newest attempt left a frame that its creator may look at."""
        return self.filter(status__in=[TaskStatus.CHECKING, TaskStatus.ACCEPTED])

    def with_thumbnails(self):
        """Adds `thumbnail_key` of the newest attempt; None or "" while there is none."""
        newest = Output.objects.filter(attempt__task=OuterRef("pk"), attempt__number=OuterRef("attempt"))
        return self.annotate(thumbnail_key=Subquery(newest.values("thumbnail_key")[:1]))

    def with_start(self):
        """Adds `started_at` of the newest attempt: None while the frame is only next in line on its node."""
        newest = Attempt.objects.filter(task=OuterRef("pk"), number=OuterRef("attempt"))
        return self.annotate(started_at=Subquery(newest.values("started_at")[:1]))


class Task(models.Model):
    """One frame of a job."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="tasks")
    frame = models.IntegerField()
    status = models.CharField(max_length=12, choices=TaskStatus, default=TaskStatus.WAITING)
    attempts_used = models.PositiveSmallIntegerField(default=0)  # those that count against the limit
    attempt = models.PositiveIntegerField(default=0)  # number of the newest one
    reason = models.CharField(max_length=40, blank=True)  # of the last return or failure
    charged_micros = models.BigIntegerField(default=0)
    accepted_at = models.DateTimeField(null=True, blank=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering = ["frame"]
        constraints = [
            models.UniqueConstraint(fields=["job", "frame"], name="task_once_per_frame"),
            models.CheckConstraint(condition=Q(status__in=TaskStatus.values), name="task_status_known"),
        ]
        indexes = [
            models.Index(fields=["job", "status"], name="task_by_job_and_status"),
            models.Index(fields=["id"], name="task_unchecked", condition=Q(status="checking")),
            models.Index(fields=["job", "-accepted_at"], name="task_accepted_last", condition=Q(status="accepted")),
        ]

    def __str__(self) -> str:
        return f"Task {self.pk}, frame {self.frame}"


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

    def newest_of(self, job_id: int) -> "Output | None":
        """The frame of a job that was accepted last, with task and node; found by its event: frames have no such index."""
        accepted = JobEvent.objects.filter(job=job_id, became=TaskStatus.ACCEPTED, task__status=TaskStatus.ACCEPTED)
        newest = accepted.order_by("-at", "-id").values("task")[:1]
        found = self.current().filter(attempt__task=Subquery(newest)).exclude(preview_key="")
        return found.select_related("attempt__task", "attempt__worker").first()

    def newest_among(self, jobs: "JobQuerySet") -> "Output | None":
        """The frame of these jobs that was accepted last, with job, task and node."""
        last = Task.objects.filter(job=OuterRef("pk"), status=TaskStatus.ACCEPTED).order_by("-accepted_at")[:1]
        tasks = Job.objects.filter(pk__in=jobs.values("pk")).annotate(last=Subquery(last.values("pk"))).values("last")
        found = self.current().filter(attempt__task__in=tasks).exclude(preview_key="").order_by("-attempt__task__accepted_at")
        return found.select_related("attempt__task__job", "attempt__worker").first()

    def accepted_of(self, job_id: int):
        """The paid frames of a job, in the order of their numbers: of each task the newest that was accepted.

        One that is being rendered again keeps its paid frame until a newer one is accepted.
        """
        paid = self.filter(attempt__task__job=job_id, attempt__outcome="accepted").exclude(storage_key="")
        return paid.order_by("attempt__task__frame", "-attempt__number").distinct("attempt__task__frame")

    def newer_than(self, film: "Film"):
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
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OutputQuerySet.as_manager()


class ProbeFrame(models.Model):
    """A frame rendered at low cost before submit, to learn what a job will take: free to its creator, never delivered."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="probe_frames")
    run = models.PositiveIntegerField()  # of the job's probes; only those of the newest count
    fingerprint = models.CharField(max_length=64)  # of the settings that they speak for
    frame = models.IntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    samples = models.PositiveIntegerField()
    status = models.CharField(max_length=12, choices=ProbeStatus, default=ProbeStatus.WAITING)
    attempt = models.PositiveIntegerField(default=0)  # number of the newest one
    attempts_used = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=40, blank=True)  # of the last return or failure
    worker = models.ForeignKey("workers.Worker", null=True, on_delete=models.SET_NULL, related_name="+")
    score_milli = models.PositiveIntegerField(default=1000)
    leased_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    rendered_at = models.DateTimeField(null=True)
    reference_ms = models.BigIntegerField(null=True)  # what it took on the reference machine
    paid_micros = models.BigIntegerField(default=0)  # to the node's owner, by the network
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["job", "run", "frame", "samples"], name="probe_frame_once_per_run"),
            models.CheckConstraint(condition=Q(status__in=ProbeStatus.values), name="probe_frame_status_known"),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="probe_frame_open", condition=Q(status__in=["waiting", "rendering"]))
        ]

    def __str__(self) -> str:
        return f"Probe of frame {self.frame} of job {self.job_id}"


class Film(models.Model):
    """A film assembled from a job's accepted frames, in the background."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="films")
    fps = models.PositiveSmallIntegerField(default=24)
    format = models.CharField(max_length=4, choices=FilmFormat, default=FilmFormat.MP4, db_default="mp4")
    frame_count = models.PositiveIntegerField()
    newest_output = models.BigIntegerField(default=0, db_default=0)  # the highest id of its frames; a higher one outdates it
    size_bytes = models.BigIntegerField(default=0, db_default=0)
    progress_percent = models.PositiveSmallIntegerField(default=0)
    storage_key = models.CharField(max_length=200, blank=True)
    failure = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Film {self.pk} of job {self.job_id}"


class WatchLink(models.Model):
    """Lets others watch a job without signing in; a job without one is private. Deleting it revokes it."""

    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="watch_link")
    visibility = models.CharField(max_length=8, choices=Visibility)
    token = models.CharField(max_length=40, unique=True, default=new_watch_token)  # of the address; a new one revokes the old
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(visibility__in=Visibility.values), name="watch_link_visibility_known")
        ]

    def __str__(self) -> str:
        return f"{self.get_visibility_display()} link of job {self.job_id}"

    def get_absolute_url(self) -> str:
        return reverse("rendering:watch", args=[self.token])


class JobEvent(models.Model):
    """Append-only: what happened to a job or one of its tasks, by whom and why."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    task = models.ForeignKey(Task, null=True, blank=True, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    was = models.CharField(max_length=12, blank=True)
    became = models.CharField(max_length=12, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["job", "-at"], name="job_event_newest")]

    def __str__(self) -> str:
        return f"Event {self.pk} of job {self.job_id}"


class RateRule(models.Model):
    """A dated price of one tier and how a charge is split; the newest that has begun counts. Frozen on each attempt.

    Without a row the defaults of rendering.pricing count.
    """

    tier = models.CharField(max_length=12, choices=Tier)
    begins_at = models.DateTimeField()
    rate_micros = models.BigIntegerField()  # per reference second
    worker_bp = models.PositiveIntegerField(default=6_000)
    checkers_bp = models.PositiveIntegerField(default=1_000)
    network_bp = models.PositiveIntegerField(default=3_000)

    class Meta:
        ordering = ["-begins_at"]
        constraints = [
            models.UniqueConstraint(fields=["tier", "begins_at"], name="rate_rule_once"),
            models.CheckConstraint(condition=Q(rate_micros__gt=0), name="rate_rule_positive"),
            models.CheckConstraint(
                condition=Q(network_bp=10_000 - models.F("worker_bp") - models.F("checkers_bp")),
                name="rate_rule_shares_are_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_tier_display()} from {self.begins_at:%Y-%m-%d %H:%M}"
