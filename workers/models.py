"""Machines, their connections, and the one queue of work with its leases. At most one live lease per work item and place."""

import secrets

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from workers.alert_models import OfflineAlert as OfflineAlert
from workers.benchmark_models import BenchmarkRun as BenchmarkRun
from workers.benchmark_models import GpuTrial as GpuTrial
from workers.control_models import Controls as Controls
from workers.control_models import Maintenance as Maintenance
from workers.fleet_models import FleetToken as FleetToken
from workers.hours import ClosedBy
from workers.levels import Level
from workers.release_models import AgentBuild as AgentBuild
from workers.release_models import AgentRelease as AgentRelease
from workers.reliability_rows import LostWork, Measured, Outage, ReliabilityDay  # noqa: F401 (tables)
from workers.states import MisfitKind, WorkerStatus
from workers.team_models import Invitation as Invitation
from workers.telemetry_rows import GpuDay, GpuHour, GpuMinute, Rolled, WorkerDay, WorkerHour, WorkerMinute  # noqa: F401 (tables)


def new_uid() -> str:
    return "w_" + secrets.token_urlsafe(12)


def default_engines() -> list[str]:
    return ["cycles"]


class Gateway(models.Model):
    """A process that holds agents' sockets; it renews `seen_at` and is dead when it does not."""

    id = models.CharField(primary_key=True, max_length=64)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.pk)


class WorkerQuerySet(models.QuerySet):
    def owned_by(self, user):
        return self.filter(owner=user)

    def visible_to(self, user):
        """The nodes whose page `user` may open: one's own, or all for staff."""
        return self.all() if user.is_staff else self.owned_by(user)

    def kept(self):
        """All that are not retired. Said by what they may be: of `<>` PostgreSQL's kept plans believe that it leaves no row."""
        return self.filter(status__in=[status for status in WorkerStatus if status != WorkerStatus.RETIRED])

    def connected(self):
        return self.exclude(connected_at=None)


class Worker(models.Model):
    """A machine that offers its GPU or CPU. `status` is moved by workers.services alone."""

    uid = models.CharField(max_length=32, unique=True, default=new_uid, editable=False)  # in its configuration file
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="workers")
    name = models.CharField(max_length=60)
    status = models.CharField(max_length=12, choices=WorkerStatus, default=WorkerStatus.NEW)
    fleet = models.ForeignKey(FleetToken, null=True, blank=True, on_delete=models.SET_NULL, related_name="workers")
    public_key = models.BinaryField(max_length=32, null=True, unique=True)  # Ed25519; set once by an enrolment

    agent_version = models.CharField(max_length=40, blank=True)
    protocol = models.PositiveSmallIntegerField(default=1, db_default=1)  # that its agent speaks; see pictor_agent.protocol
    hostname = models.CharField(max_length=200, blank=True)
    os = models.CharField(max_length=200, blank=True)
    cpu_model = models.CharField(max_length=200, blank=True)
    cpu_cores = models.PositiveIntegerField(default=0)
    ram_bytes = models.BigIntegerField(default=0)
    blender_versions = models.JSONField(default=list, blank=True)  # on the node, or fetched on first need
    engines = models.JSONField(default=default_engines, db_default=["cycles"], blank=True)
    device = models.CharField(max_length=16, blank=True, db_default="")  # the best that Blender finds: "CPU", "OPTIX"
    engine_notes = models.JSONField(default=list, db_default=[], blank=True)  # why an engine does not work: "EEVEE: no libEGL"
    isolation = models.CharField(max_length=20, default="none")  # "bubblewrap" or "none"
    unsandboxed_allowed = models.BooleanField(default=False)  # by the owner's explicit flag; shown on the page
    simulated = models.BooleanField(default=False, db_default=False)  # its GPUs are played from a file; shown on the page
    slots = models.PositiveSmallIntegerField(default=1)
    # These two are written by workers.benchmark_scores, and by workers.shifts on other hardware.
    score_milli = models.PositiveIntegerField(default=1000)  # reference seconds per 1,000 seconds; see workers.scoring
    gpus_believed = models.BooleanField(default=True, db_default=True)  # no benchmark has refuted what it says of them
    benchmark_due_at = models.DateTimeField(null=True, blank=True)  # the next one, at random; None: it has had none
    # Both are written by workers.standing alone.
    reliability_bp = models.PositiveSmallIntegerField(default=6000, db_default=6000)  # see workers.reliability
    level = models.CharField(max_length=12, default=Level.REGISTERED.value, db_default=Level.REGISTERED.value)
    hardware_at = models.DateTimeField(null=True, blank=True)  # since when it signs on with the hardware that it has
    country = models.CharField(max_length=2, blank=True, db_default="")  # a key of workers.places.COUNTRIES, by its owner
    trusted = models.BooleanField(default=False, db_default=False)  # by an operator: may have scenes kept to trusted nodes

    closed_by = models.CharField(max_length=12, blank=True, db_default="")  # a workers.hours.ClosedBy: no new work for now
    resting = models.CharField(
        max_length=40, blank=True, db_default=""
    )  # why the node itself takes no new work for now: workers.resting
    rest_told = models.CharField(max_length=40, blank=True, db_default="")  # of `resting`, what the history said last
    rest_told_at = models.DateTimeField(null=True, blank=True)
    hours_change_at = models.DateTimeField(null=True, blank=True)  # when that may be otherwise; sweep_hours looks then

    gateway_id = models.CharField(max_length=64, blank=True)  # which gateway process holds the socket
    connection_epoch = models.BigIntegerField(default=0)  # grows by one with every sign-on
    connected_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)  # written by heartbeats: never indexed
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WorkerQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="worker_name_once_per_owner"),
            models.CheckConstraint(condition=Q(status__in=WorkerStatus.values), name="worker_status_known"),
            models.CheckConstraint(condition=Q(slots__gte=1), name="worker_has_a_slot"),
            models.CheckConstraint(
                condition=Q(closed_by__in=["", *(each.value for each in ClosedBy)]), name="worker_closed_by_known"
            ),
            models.CheckConstraint(condition=Q(level__in=[each.value for each in Level]), name="worker_level_known"),
        ]
        indexes = [
            models.Index(fields=["gateway_id"], name="worker_by_gateway", condition=Q(connected_at__isnull=False)),
            models.Index(fields=["hours_change_at"], name="worker_by_hours", condition=Q(hours_change_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("workers:worker-detail", args=[self.pk])

    @property
    def takes_work(self) -> bool:
        """Neither its owner's hours nor the node itself says no; whether it is connected follows from the status."""
        return self.status == WorkerStatus.ONLINE and not self.closed_by and not self.resting

    @property
    def sandboxed(self) -> bool:
        return self.isolation == "bubblewrap"


class Gpu(models.Model):
    """One GPU of a node, as its agent reports it."""

    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="gpus")
    index = models.PositiveSmallIntegerField()
    model = models.CharField(max_length=200)
    vram_bytes = models.BigIntegerField()
    driver = models.CharField(max_length=80, blank=True)
    uuid = models.CharField(max_length=80, blank=True)
    compute = models.CharField(max_length=16, blank=True, db_default="")  # CUDA's compute capability: "8.9"
    power_limit_watts = models.FloatField(default=0, db_default=0)

    class Meta:
        ordering = ["index"]
        constraints = [models.UniqueConstraint(fields=["worker", "index"], name="gpu_index_once_per_worker")]


class SelfTest(models.Model):
    """What a node said last of its trial of itself; for its owner's page and its level."""

    worker = models.OneToOneField(Worker, primary_key=True, on_delete=models.CASCADE, related_name="self_test")
    blender_versions = models.JSONField(default=list)  # that lie on the node
    blender_problem = models.CharField(max_length=500, blank=True)  # why none could be fetched
    passed = models.BooleanField(null=True)  # None: not tried yet
    words = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"Self-test of node {self.worker_id}"


class Enrolment(models.Model):
    """A one-use token inside a configuration file; only its hash is kept."""

    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="enrolments")
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Enrolment {self.pk} of node {self.worker_id}"


class Shift(models.Model):
    """A machine's time online, from sign-on to sign-off."""

    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="shifts")
    epoch = models.BigIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    lost = models.BooleanField(default=False, db_default=False)  # it ended without a goodbye, while the node took work

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["worker", "epoch"], name="shift_once_per_epoch"),
            models.UniqueConstraint(fields=["worker"], condition=Q(ended_at=None), name="shift_open_once_per_worker"),
        ]
        indexes = [models.Index(fields=["ended_at"], name="shift_by_end", condition=Q(ended_at__isnull=False))]

    def __str__(self) -> str:
        return f"Shift {self.pk} of node {self.worker_id}"


class WorkerEvent(models.Model):
    """Append-only: what happened to a node, for its owner."""

    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=40)  # a word of workers.events.KINDS
    detail = models.CharField(max_length=300, blank=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["worker", "-at"], name="worker_event_newest"),
            models.Index(fields=["at"], name="worker_event_by_age"),
        ]

    def __str__(self) -> str:
        return f"Event {self.pk} of node {self.worker_id}"


class Tally(models.Model):
    """A node's sums of one day (UTC), pushed down by the products through workers.services.tally_all."""

    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="tallies")
    day_on = models.DateField()
    tasks_accepted = models.PositiveIntegerField(default=0)
    tasks_failed = models.PositiveIntegerField(default=0)
    tasks_left = models.PositiveIntegerField(default=0, db_default=0)  # begun, and the node went away from them
    tasks_unbegun = models.PositiveIntegerField(default=0, db_default=0)  # its to begin, and it never did
    busy_seconds = models.FloatField(default=0)
    earned_micros = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "tallies"
        constraints = [models.UniqueConstraint(fields=["worker", "day_on"], name="tally_once_per_day")]

    def __str__(self) -> str:
        return f"{self.day_on} of node {self.worker_id}"


class Work(models.Model):
    """A small hot row per thing that a node can do; it leaves the table when it is done.

    `reference` is the row of the product (a render task's id); `workers` never looks it up.
    """

    kind = models.CharField(max_length=20)  # a key of pictor.work_kinds
    reference = models.BigIntegerField()
    group = models.BigIntegerField()  # the job: one page asks why its work waits
    owner_id = models.BigIntegerField()  # whose work it is (users.User), for fairness and own-node rules
    requirements = models.JSONField(default=dict)  # workers.matching.Requirements; the same for a whole group
    affinity = models.CharField(max_length=64, blank=True, db_default="")  # what a node keeps of it: a scene's key
    tier = models.SmallIntegerField(default=1, db_default=1)  # a key of workers.sharing.WEIGHTS
    priority = models.SmallIntegerField(default=0)  # of its group among its owner's; larger first
    needed_by_at = models.DateTimeField(null=True)  # raises its group among its owner's alone
    sort = models.BigIntegerField(default=0)  # smaller first within a group
    attempts = models.PositiveIntegerField(default=0)  # how many leases it has had
    leased = models.BooleanField(default=False)
    held = models.BooleanField(default=False)  # its job is paused
    avoided_id = models.BigIntegerField(null=True)  # the node that failed it last
    failed_on = ArrayField(models.BigIntegerField(), default=list, db_default=[])  # all that failed it: others first, until
    avoided_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "work"
        constraints = [models.UniqueConstraint(fields=["kind", "reference"], name="work_once_per_reference")]
        indexes = [
            models.Index(  # the feeder leaps from group to group, then reads the first rows of each
                "tier",
                "owner_id",
                "kind",
                "group",
                F("priority").desc(),
                "sort",
                "id",
                name="work_waiting_by_group",
                condition=Q(leased=False, held=False),
            ),
            models.Index(fields=["kind", "group"], name="work_by_group"),
        ]

    def __str__(self) -> str:
        return f"Work {self.pk}, {self.kind} {self.reference}"


class Lease(models.Model):
    """The right of one node to one attempt of one work item until it expires; the row is deleted when it ends.

    place 0 runs, place 1 is next, None means rendered and uploading.
    """

    work = models.OneToOneField(Work, on_delete=models.CASCADE, related_name="lease")
    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="leases")
    slot = models.PositiveSmallIntegerField()
    place = models.PositiveSmallIntegerField(null=True)
    attempt = models.PositiveIntegerField()
    epoch = models.BigIntegerField()  # the connection it was published to
    leased_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["worker", "slot", "place"], name="lease_once_per_place"),
            models.CheckConstraint(condition=Q(place=None) | Q(place__in=[0, 1]), name="lease_place_known"),
        ]
        indexes = [models.Index(fields=["expires_at"], name="lease_by_expiry")]

    def __str__(self) -> str:
        return f"Lease of work {self.work_id}"


class Turn(models.Model):
    """How far the rounds of a tier have come (owner_id 0), or when in them one owner was served last. The feeder's alone."""

    tier = models.SmallIntegerField()
    owner_id = models.BigIntegerField()  # users.User; 0: the tier itself
    turns = models.BigIntegerField()  # of a tier: strides given; of an owner: the number of its last place within the tier

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tier", "owner_id"], name="turn_once_per_owner")]

    def __str__(self) -> str:
        return f"Turn of {self.owner_id} in tier {self.tier}"


class Cached(models.Model):
    """What a node had at hand when it last worked on it: a preference, not a promise."""

    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="cached")
    affinity = models.CharField(max_length=64)
    used_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "cached"
        constraints = [models.UniqueConstraint(fields=["affinity", "worker"], name="cached_once")]
        indexes = [models.Index(fields=["used_at"], name="cached_by_use")]

    def __str__(self) -> str:
        return f"{self.affinity[:12]} on node {self.worker_id}"


class Misfit(models.Model):
    """One node and one affinity that did not work out, as their product says; see workers.misfits."""

    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="misfits")
    affinity = models.CharField(max_length=64)
    kind = models.CharField(max_length=16, choices=MisfitKind)
    title = models.CharField(max_length=200, blank=True)  # what people call it: the scene's name
    words = models.CharField(max_length=200, blank=True)  # the last reason, for the node's page
    count = models.PositiveSmallIntegerField(default=1)  # in a row
    ram_bytes = models.BigIntegerField(default=0)  # the node's, when it ran out
    vram_bytes = models.BigIntegerField(default=0)
    at = models.DateTimeField()  # the last time
    until = models.DateTimeField()  # forgotten then

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["affinity", "worker", "kind"], name="misfit_once"),
            models.CheckConstraint(condition=Q(kind__in=MisfitKind.values), name="misfit_kind_known"),
        ]
        indexes = [models.Index(fields=["until"], name="misfit_by_end")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.affinity[:12]} on node {self.worker_id}"
