"""Gauges over time: a row per node, and per GPU, for every minute, hour and day in which it reported; see workers.rollups.

The tables are partitioned by time and have no index but their key. No foreign keys: telemetry outlives a node until its
partition is dropped. Figures: workers.minutes.
"""

from django.db import models


class Machine(models.Model):
    """Figures of a whole node."""

    worker_id = models.BigIntegerField()
    samples = models.IntegerField()
    cpu_load_sum = models.FloatField()
    gpu_load_sum = models.FloatField()
    ram_used_bytes_max = models.BigIntegerField()
    gpu_celsius_max = models.FloatField()
    network_down_bytes = models.BigIntegerField()
    network_up_bytes = models.BigIntegerField()

    class Meta:
        abstract = True


class WorkerMinute(Machine):
    pk = models.CompositePrimaryKey("worker_id", "minute_at")
    minute_at = models.DateTimeField()


class WorkerHour(Machine):
    pk = models.CompositePrimaryKey("worker_id", "hour_at")
    hour_at = models.DateTimeField()
    minutes = models.IntegerField()  # in how many of its minutes the node reported


class WorkerDay(Machine):
    pk = models.CompositePrimaryKey("worker_id", "day_on")
    day_on = models.DateField()  # of UTC
    minutes = models.IntegerField()


class OneGpu(models.Model):
    """Figures of one GPU."""

    worker_id = models.BigIntegerField()
    gpu_index = models.SmallIntegerField()
    samples = models.IntegerField()
    load_sum = models.FloatField()
    vram_used_bytes_max = models.BigIntegerField()
    celsius_max = models.FloatField()
    watts_sum = models.FloatField()

    class Meta:
        abstract = True


class GpuMinute(OneGpu):
    pk = models.CompositePrimaryKey("worker_id", "gpu_index", "minute_at")
    minute_at = models.DateTimeField()


class GpuHour(OneGpu):
    pk = models.CompositePrimaryKey("worker_id", "gpu_index", "hour_at")
    hour_at = models.DateTimeField()
    minutes = models.IntegerField()


class GpuDay(OneGpu):
    pk = models.CompositePrimaryKey("worker_id", "gpu_index", "day_on")
    day_on = models.DateField()
    minutes = models.IntegerField()


class Rolled(models.Model):
    """How far minutes have been added up; one row."""

    until_at = models.DateTimeField()  # a whole hour
