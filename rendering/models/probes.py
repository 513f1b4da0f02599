"""Frames rendered at low cost before a job is submitted."""

from django.db import models
from django.db.models import Q

from rendering.models.jobs import Job
from rendering.states import ProbeStatus


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
            models.Index(fields=["created_at"], name="probe_frame_open", condition=Q(status__in=["waiting", "rendering"])),
            models.Index(fields=["worker", "-leased_at"], name="probe_frame_newest_of_worker"),
        ]

    def __str__(self) -> str:
        return f"Probe of frame {self.frame} of job {self.job_id}"
