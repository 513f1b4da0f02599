"""What an owner allows a node: rows of workers.models that the owner's controls alone write (workers.controls)."""

from typing import NamedTuple

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q

from workers.hours import DAY_MINUTES, Week, Window, is_announced_in_time
from workers.serving import TEAM_MAX, Serves

GIB = 1024**3


class Bounds(NamedTuple):
    """What an owner may write: the form asks for it, and the database holds it."""

    least: int
    most: int


TEMPERATURE_CELSIUS = Bounds(40, 110)
POWER_WATTS = Bounds(30, 2_000)
SLOTS_PER_GPU = Bounds(1, 8)
SLOTS_CPU = Bounds(1, 64)
DISK_QUOTA_BYTES_MIN = 5 * GIB  # below it no scene with its Blender would fit
OFFLINE_MINUTES_MIN = 10  # an outage of the network is noticed within five: workers.outages


def open_all_day() -> list[int]:
    return [0] * 7


def close_at_midnight() -> list[int]:
    return [DAY_MINUTES] * 7


def _each_between(column: str, low: int, high: int) -> Func:
    """Every element of an array lies between two values."""
    template = f"({low} <= ALL(%(expressions)s) AND {high} >= ALL(%(expressions)s))"
    return Func(F(column), template=template, output_field=models.BooleanField())


def _within(column: str, low: int, high: int) -> Q:
    return Q(**{f"{column}__gte": low, f"{column}__lte": high})


class Controls(models.Model):
    """What its owner allows one node. A node without a row has these defaults: always open, for everybody."""

    worker = models.OneToOneField("workers.Worker", on_delete=models.CASCADE, primary_key=True, related_name="controls")
    changed_at = models.DateTimeField(null=True)

    time_zone = models.CharField(max_length=64, default="UTC")  # IANA name, of the week
    opens_minutes = ArrayField(models.SmallIntegerField(), default=open_all_day)  # see workers.hours.Week
    closes_minutes = ArrayField(models.SmallIntegerField(), default=close_at_midnight)

    # Work begins once nobody used the machine for so long; 0: at once.
    idle_minutes = models.PositiveSmallIntegerField(default=0)
    temperature_max_celsius = models.PositiveSmallIntegerField(null=True, blank=True)  # of any GPU
    power_max_watts = models.PositiveSmallIntegerField(null=True, blank=True)  # of each GPU
    slots_per_gpu = models.PositiveSmallIntegerField(null=True, blank=True)  # None: one task with all GPUs
    slots_cpu = models.PositiveSmallIntegerField(default=1)  # of a node without a GPU
    disk_quota_bytes = models.BigIntegerField(null=True, blank=True)  # for scenes and Blender versions that are kept
    bandwidth_max_mbit = models.PositiveIntegerField(null=True, blank=True)  # per second, each way

    serves = models.CharField(max_length=12, default=Serves.ALIKE.value)  # a Serves
    team_emails = ArrayField(models.EmailField(), default=list, db_default=[], blank=True)  # whom its owner named
    team_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)  # who of them accepted; workers.teams alone
    accepts_render = models.BooleanField(default=True)
    accepts_check = models.BooleanField(default=True)
    accepts_rent = models.BooleanField(default=False)  # strangers' programs, not only their scenes: the owner opts in
    gpu_hour_micros = models.BigIntegerField(null=True, blank=True)  # what an hour of one GPU costs a renter
    vram_share_bp_min = models.PositiveSmallIntegerField(default=10_000)  # the smallest part of a GPU that is rented out

    updates_itself = models.BooleanField(default=False, db_default=False)  # to every newer release of the agent
    release_allowed = models.BigIntegerField(default=0, db_default=0)  # the newest that its owner allowed by hand

    # How long it may be away unexpectedly before its owner is told; None: never.
    offline_minutes = models.PositiveSmallIntegerField(null=True, blank=True, default=10, db_default=10)

    kwh_micros = models.BigIntegerField(null=True, blank=True)  # what its owner pays for a kilowatt-hour
    busy_watts = models.PositiveSmallIntegerField(null=True, blank=True)  # of the whole machine, as its owner says
    idle_watts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name_plural = "controls"
        constraints = [
            models.CheckConstraint(condition=Q(opens_minutes__len=7, closes_minutes__len=7), name="controls_seven_days"),
            models.CheckConstraint(condition=_each_between("opens_minutes", 0, DAY_MINUTES - 1), name="controls_opens_in_day"),
            models.CheckConstraint(condition=_each_between("closes_minutes", 0, DAY_MINUTES), name="controls_closes_in_day"),
            models.CheckConstraint(condition=_within("idle_minutes", 0, DAY_MINUTES), name="controls_idle_within_a_day"),
            models.CheckConstraint(
                condition=Q(temperature_max_celsius=None) | _within("temperature_max_celsius", *TEMPERATURE_CELSIUS),
                name="controls_temperature_sensible",
            ),
            models.CheckConstraint(
                condition=Q(power_max_watts=None) | _within("power_max_watts", *POWER_WATTS),
                name="controls_power_sensible",
            ),
            models.CheckConstraint(
                condition=(Q(slots_per_gpu=None) | _within("slots_per_gpu", *SLOTS_PER_GPU)) & _within("slots_cpu", *SLOTS_CPU),
                name="controls_slots_sensible",
            ),
            models.CheckConstraint(
                condition=Q(disk_quota_bytes=None) | Q(disk_quota_bytes__gte=DISK_QUOTA_BYTES_MIN), name="controls_disk_enough"
            ),
            models.CheckConstraint(
                condition=Q(bandwidth_max_mbit=None) | Q(bandwidth_max_mbit__gte=1), name="controls_bandwidth_some"
            ),
            models.CheckConstraint(condition=Q(serves__in=[each.value for each in Serves]), name="controls_serves_known"),
            models.CheckConstraint(condition=Q(team_ids__len__lte=TEAM_MAX), name="controls_team_bounded"),
            models.CheckConstraint(condition=Q(team_emails__len__lte=TEAM_MAX), name="controls_named_bounded"),
            models.CheckConstraint(
                condition=Q(accepts_render=True) | Q(accepts_check=True) | Q(accepts_rent=True), name="controls_accept_some"
            ),
            models.CheckConstraint(
                condition=Q(accepts_rent=False) | Q(gpu_hour_micros__isnull=False), name="controls_rent_has_a_price"
            ),
            models.CheckConstraint(
                condition=Q(gpu_hour_micros=None) | Q(gpu_hour_micros__gt=0), name="controls_rent_costs_something"
            ),
            models.CheckConstraint(condition=_within("vram_share_bp_min", 1, 10_000), name="controls_share_of_a_gpu"),
            models.CheckConstraint(
                condition=Q(offline_minutes=None) | _within("offline_minutes", OFFLINE_MINUTES_MIN, DAY_MINUTES),
                name="controls_offline_sensible",
            ),
            models.CheckConstraint(condition=Q(kwh_micros=None) | Q(kwh_micros__gte=0), name="controls_power_not_paid_for"),
        ]

    def __str__(self) -> str:
        return f"Controls of node {self.worker_id}"

    @property
    def week(self) -> Week:
        return Week(self.time_zone, tuple(self.opens_minutes), tuple(self.closes_minutes))


def controls_of(worker) -> Controls:
    """Its controls (join them with select_related); the defaults where its owner never changed any."""
    try:
        return worker.controls
    except Controls.DoesNotExist:
        return Controls(worker=worker)


class Maintenance(models.Model):
    """A time in which a node gets no new work, announced by its owner. Kept: reliability looks back at it."""

    worker = models.ForeignKey("workers.Worker", on_delete=models.CASCADE, related_name="maintenances")
    from_at = models.DateTimeField()
    until_at = models.DateTimeField()
    announced_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)  # over, or called off; before from_at: it never was

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(until_at__gt=F("from_at")), name="maintenance_has_length"),
            models.UniqueConstraint(fields=["worker"], condition=Q(ended_at=None), name="maintenance_open_once_per_node"),
        ]

    def __str__(self) -> str:
        return f"Maintenance {self.pk} of node {self.worker_id}"

    @property
    def window(self) -> Window:
        return Window(self.from_at, self.until_at)

    @property
    def is_neutral(self) -> bool:
        return is_announced_in_time(self.announced_at, self.window)
