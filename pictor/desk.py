"""What the home page reads of one account: each query once, however many of its parts ask."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Case, Count, Exists, F, Q, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce
from django.utils.functional import cached_property

from pictor.context import Shell, counted
from rendering import retention
from rendering.models import Job, Output, TaskCount
from rendering.states import JobStatus, PauseReason, TaskStatus
from users.models import User
from workers.models import Tally, Worker
from workers.states import WorkerStatus

SHOWN = 6  # of each kind of job or node that a part tells apart
JOBS_LOOKED_AT = 50  # the newest frame is one of theirs
FAILED_SHOWN_FOR = timedelta(days=3)
AT_WORK = [JobStatus.QUEUED, JobStatus.RENDERING]
UNFINISHED = [TaskStatus.WAITING, TaskStatus.RENDERING, TaskStatus.CHECKING]


class Frames(NamedTuple):
    """Sums over all jobs of an account."""

    accepted: int
    left: int  # of jobs at work
    ordered: int


class Sums(NamedTuple):
    nodes: int
    nodes_online: int
    earned_today_micros: int
    has_rendered: bool  # a frame of one of its nodes was accepted once
    jobs_ending: int  # whose frames end within a week
    scenes_ending: int


class Desk:
    """One account as it is now. `request` brings what the page's frame has asked for already."""

    def __init__(self, request, now: datetime):
        self.user, self.now = request.user, now
        self.shell = Shell.of(request)

    @cached_property
    def jobs(self) -> list[Job]:
        """The newest jobs of each kind that is shown, all kinds together, newest first."""
        own = Job.objects.owned_by(self.user)
        kinds = [
            own.filter(status__in=AT_WORK),
            own.filter(status=JobStatus.PAUSED),
            own.filter(status=JobStatus.READY),
            own.filter(status=JobStatus.FAILED, finished_at__gte=self.now - FAILED_SHOWN_FOR),
            own.exclude(submitted_at=None),
            own,
        ]
        wanted = Q()
        for kind in kinds:
            wanted |= Q(pk__in=kind.values("pk")[:SHOWN])
        return list(Job.objects.filter(wanted).select_related("scene"))

    @property
    def at_work(self) -> list[Job]:
        return self.with_status(*AT_WORK)

    @property
    def failed(self) -> list[Job]:
        """Those that failed of late."""
        since = self.now - FAILED_SHOWN_FOR
        return [job for job in self.with_status(JobStatus.FAILED) if job.finished_at and job.finished_at >= since]

    @property
    def paused(self) -> list[Job]:
        """Those that somebody else than their creator has paused."""
        return [job for job in self.with_status(JobStatus.PAUSED) if job.pause_reason != PauseReason.USER]

    def with_status(self, *statuses: str) -> list[Job]:
        return [job for job in self.jobs if job.status in statuses][:SHOWN]

    @cached_property
    def frames(self) -> Frames:
        at_work = Q(status__in=UNFINISHED, job__status__in=AT_WORK)
        sums = TaskCount.objects.filter(job__owner=self.user).aggregate(
            accepted=Sum("tasks", filter=Q(status=TaskStatus.ACCEPTED)), left=Sum("tasks", filter=at_work), ordered=Sum("tasks")
        )
        return Frames(**{name: total or 0 for name, total in sums.items()})

    @cached_property
    def newest(self) -> Output | None:
        """The frame that was accepted last."""
        return Output.objects.newest_among(Job.objects.owned_by(self.user)[:JOBS_LOOKED_AT]) if self.frames.accepted else None

    @cached_property
    def nodes(self) -> list[Worker]:
        """Nodes with `running`, how many attempts run on each: those that wait for their owner, and the first connected."""
        own = Worker.objects.owned_by(self.user).exclude(status=WorkerStatus.RETIRED)
        kinds = [own.filter(status=WorkerStatus.OFFLINE), own.filter(status=WorkerStatus.NEW), own.connected(), own]
        wanted = Q()
        for kind in kinds:
            wanted |= Q(pk__in=kind.order_by("name").values("pk")[:SHOWN])
        last = Case(When(connected_at=None, then=Value(1)), default=Value(0))
        running = Count("leases", filter=Q(leases__place=0))
        return list(Worker.objects.filter(wanted).annotate(running=running, last=last).order_by("last", F("name")))

    def nodes_with_status(self, status: str) -> list[Worker]:
        return [node for node in self.nodes if node.status == status][:SHOWN]

    @cached_property
    def sums(self) -> Sums:
        """One query; the counts of nodes and what they earned are among it whether there are nodes or not."""
        nodes = Worker.objects.owned_by(self.user).exclude(status=WorkerStatus.RETIRED)
        tallies = Tally.objects.filter(worker__owner=self.user)
        earned = tallies.filter(day_on=self.now.date()).order_by().values("worker__owner").annotate(micros=Sum("earned_micros"))
        return Sums(
            **User.objects.values(
                nodes=counted(nodes),
                nodes_online=counted(nodes.connected()),
                earned_today_micros=Coalesce(Subquery(earned.values("micros")), 0),
                has_rendered=Exists(tallies.filter(tasks_accepted__gt=0)),
                jobs_ending=counted(retention.jobs_ending(self.user, self.now)),
                scenes_ending=counted(retention.scenes_ending(self.user, self.now)),
            ).get(pk=self.user.pk)
        )
