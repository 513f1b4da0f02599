"""Jobs, what happened to them, and who may watch them."""

import secrets

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from rendering.choices import Visibility
from rendering.splitting import parse_frames
from rendering.states import JobStatus, PauseReason
from rendering.tiling import Grid, parse_grid


def new_secret() -> bytes:
    return secrets.token_bytes(32)


def new_watch_token() -> str:
    return "v_" + secrets.token_urlsafe(18)


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
    scene = models.ForeignKey("rendering.Scene", on_delete=models.PROTECT, related_name="jobs")
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
    tiles = models.CharField(max_length=8, blank=True, default="", db_default="")  # "4x3" of its one frame; empty: none

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
            models.Index(fields=["status"], name="job_in_tiles", condition=~Q(tiles="")),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("rendering:job-detail", args=[self.pk])

    @property
    def grid(self) -> Grid | None:
        """How its one frame is divided; None for a job of whole frames."""
        return parse_grid(self.tiles)

    @property
    def still_frame(self) -> int | None:
        """The frame that is rendered in tiles; None for a job of whole frames."""
        return parse_frames(self.frames)[0] if self.tiles else None

    @property
    def unit(self) -> str:
        """What its tasks are."""
        return "tile" if self.tiles else "frame"

    @property
    def is_denoised(self) -> bool:
        return self.scene.inspection.get("denoise", False) if self.denoise is None else self.denoise


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
    task = models.ForeignKey("rendering.Task", null=True, blank=True, on_delete=models.CASCADE, related_name="events")
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
