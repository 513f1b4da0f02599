"""Benchmarks of nodes: one row per run; written by workers.benchmarks, benchmark_runs and benchmark_scores alone."""

from django.db import models
from django.db.models import Q

from workers.states import BenchmarkStatus

OPEN = [BenchmarkStatus.WAITING.value, BenchmarkStatus.RUNNING.value, BenchmarkStatus.CHECKING.value]


class BenchmarkRun(models.Model):
    """One time that a node was measured, or was to be. The seeds are new for every attempt."""

    worker = models.ForeignKey("workers.Worker", on_delete=models.CASCADE, related_name="benchmark_runs")
    status = models.CharField(max_length=12, choices=BenchmarkStatus, default=BenchmarkStatus.WAITING)
    reason = models.CharField(
        max_length=40, blank=True
    )  # why it was refused or did not end: see workers.refusals, protocol.FailureReason
    created_at = models.DateTimeField()
    by_owner = models.BooleanField(default=False, db_default=False)  # who asked for it: its owner, or the network

    attempt = models.PositiveIntegerField(default=0)
    model = models.CharField(max_length=200, blank=True)  # of the GPU or processor: only its own kind compares
    samples = models.PositiveIntegerField(default=0)  # of the canary frame
    seed = models.BinaryField(max_length=32, default=bytes)  # of the challenge
    side = models.PositiveIntegerField(default=0)
    blocks = models.PositiveIntegerField(default=0)
    leased_at = models.DateTimeField(null=True, blank=True)

    root = models.BinaryField(max_length=32, default=bytes)  # what the node committed to, once
    shown = models.JSONField(default=list)  # the blocks that it was then asked for
    canary_seed = models.PositiveIntegerField(default=0)  # that it was then told
    committed_at = models.DateTimeField(null=True, blank=True)
    rendered_at = models.DateTimeField(null=True, blank=True)
    claimed_seconds = models.FloatField(default=0)  # of the canary frame, as the node says
    pixels_sha256 = models.CharField(max_length=64, blank=True)

    # What was found, once it has passed.
    finished_at = models.DateTimeField(null=True, blank=True)
    score_milli = models.PositiveIntegerField(default=0)
    believed = models.BooleanField(default=False)  # it agreed with earlier ones and set the node's score
    canary_ms = models.PositiveIntegerField(default=0)
    challenge_ms = models.PositiveIntegerField(default=0)
    memory_bytes_per_second = models.BigIntegerField(default=0)
    disk_write_bytes_per_second = models.BigIntegerField(default=0)
    disk_read_bytes_per_second = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["worker"], condition=Q(status__in=OPEN), name="benchmark_open_once_per_worker"),
            models.CheckConstraint(condition=Q(status__in=BenchmarkStatus.values), name="benchmark_status_known"),
        ]
        indexes = [
            models.Index(fields=["worker", "-created_at"], name="benchmark_newest"),
            models.Index(fields=["model"], name="benchmark_by_model", condition=Q(status="passed")),
            models.Index(fields=["pixels_sha256"], name="benchmark_by_pixels", condition=Q(status="passed")),
            models.Index(fields=["created_at"], name="benchmark_open_by_age", condition=Q(status__in=OPEN)),
            models.Index(fields=["created_at"], name="benchmark_by_age"),
        ]

    def __str__(self) -> str:
        return f"Benchmark {self.pk} of node {self.worker_id}"

    @property
    def storage_key(self) -> str:
        """Of the file of this attempt, until it is judged."""
        return f"benchmarks/{self.pk}-{self.attempt}"


class GpuTrial(models.Model):
    """The part of a run that the node's GPUs answer for; written by workers.gpu_trials alone."""

    run = models.OneToOneField(BenchmarkRun, primary_key=True, on_delete=models.CASCADE, related_name="gpu_trial")
    model = models.CharField(max_length=200, blank=True)  # of all of them; empty where they differ
    gpu_models = models.JSONField(default=list, db_default=[])  # each model among them once
    sizes = models.JSONField()  # width and layers of each
    seed = models.BinaryField(max_length=32)  # told when their memory is taken
    began_at = models.DateTimeField(null=True, blank=True)
    root = models.BinaryField(max_length=32, default=bytes)
    solved_at = models.DateTimeField(null=True, blank=True)
    numbers = models.JSONField(default=list)  # the blocks that each was then asked for
    shown_sha256 = models.BinaryField(max_length=32, default=bytes)  # of what it shows, which comes with the file
    shown_at = models.DateTimeField(null=True, blank=True)
    bytes_per_second = models.BigIntegerField(default=0)  # filled by each of them, once the run has passed

    class Meta:
        indexes = [models.Index(fields=["model"], name="gpu_trial_by_model", condition=Q(bytes_per_second__gt=0))]

    def __str__(self) -> str:
        return f"GPUs in {self.run}"

    @property
    def solved_seconds(self) -> float:
        """By the server's clock; 0 while it is not solved."""
        return (self.solved_at - self.began_at).total_seconds() if self.began_at and self.solved_at else 0.0
