"""What the home page reads of one account: each query once, however many of its parts ask."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce
from django.utils.functional import cached_property

from common.written import written_once
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


class Sums(NamedTuple):
    frames_accepted: int  # of all jobs
    frames_left: int  # of jobs at work
    nodes: int
    earned_today_micros: int
    has_rendered: bool  # a frame of one of its nodes was accepted once
    jobs_ending: int  # whose frames end within a week
    scenes_ending: int


# Each of these is one query, written once per process -------------------------------------------------------------------


@written_once
def newest_jobs(user_id: int, failed_since: datetime) -> QuerySet[Job]:
    """The newest jobs of each kind that is shown, all kinds together, newest first."""
    own = Job.objects.owned_by(user_id)
    kinds = [
        own.filter(status__in=AT_WORK),
        own.filter(status=JobStatus.PAUSED),
        own.filter(status=JobStatus.READY),
        own.filter(status=JobStatus.FAILED, finished_at__gte=failed_since),
        own.exclude(submitted_at=None),
        own,
    ]
    first = [kind.values("pk")[:SHOWN] for kind in kinds]
    return Job.objects.filter(pk__in=first[0].union(*first[1:])).select_related("scene")


@written_once
def newest_output(user_id: int) -> QuerySet[Output]:
    return Output.objects.newest_among(Job.objects.owned_by(user_id)[:JOBS_LOOKED_AT])


@written_once
def first_nodes(user_id: int) -> QuerySet[Worker]:
    """Nodes with `running`, how many attempts run on each: those that wait for their owner, and the first connected."""
    own = Worker.objects.owned_by(user_id).kept()
    kinds = [own.filter(status=WorkerStatus.OFFLINE), own.filter(status=WorkerStatus.NEW), own.connected(), own]
    first = [kind.order_by("name").values("pk")[:SHOWN] for kind in kinds]
    last = Case(When(connected_at=None, then=Value(1)), default=Value(0))
    running = Count("leases", filter=Q(leases__place=0))
    return (
        Worker.objects.filter(pk__in=first[0].union(*first[1:]))
        .annotate(running=running, last=last)
        .order_by("last", F("name"))
    )


@written_once
def sums_of(user_id: int, now: datetime, today: date) -> QuerySet:
    """One row, whether there are nodes and jobs or not."""
    tasks = TaskCount.objects.filter(job__owner=user_id).order_by().values("job__owner").annotate(sum=Sum("tasks"))
    at_work = tasks.filter(status__in=UNFINISHED, job__status__in=AT_WORK)
    nodes = Worker.objects.owned_by(user_id).kept()
    of_node = Tally.objects.filter(worker=OuterRef("pk"))  # read by the index, node by node: others have a million
    accepted = of_node.filter(tasks_accepted__gt=0).values("pk")[:1]
    at_all = Worker.objects.owned_by(user_id).annotate(accepted=Subquery(accepted)).filter(accepted__isnull=False)
    earned = (
        nodes.annotate(today=Subquery(of_node.filter(day_on=today).values("earned_micros")))
        .order_by()
        .values("owner")
        .annotate(micros=Sum("today"))
    )
    return User.objects.filter(pk=user_id).values(
        frames_accepted=Coalesce(Subquery(tasks.filter(status=TaskStatus.ACCEPTED).values("sum")), 0),
        frames_left=Coalesce(Subquery(at_work.values("sum")), 0),
        nodes=counted(nodes),
        earned_today_micros=Coalesce(Subquery(earned.values("micros")), 0),
        has_rendered=Exists(at_all),
        jobs_ending=counted(retention.jobs_ending(user_id, now)),
        scenes_ending=counted(retention.scenes_ending(user_id, now)),
    )


class Desk:
    """One account as it is now. `request` brings what the page's frame has asked for already."""

    def __init__(self, request, now: datetime):
        self.user, self.now = request.user, now
        self.shell = Shell.of(request)

    @cached_property
    def jobs(self) -> list[Job]:
        return newest_jobs(self.user.pk, self.now - FAILED_SHOWN_FOR)

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
    def newest(self) -> Output | None:
        """The frame that was accepted last; whoever has no job has none."""
        return next(iter(newest_output(self.user.pk)), None) if self.jobs else None

    @cached_property
    def nodes(self) -> list[Worker]:
        return first_nodes(self.user.pk)

    def nodes_with_status(self, status: str) -> list[Worker]:
        return [node for node in self.nodes if node.status == status][:SHOWN]

    @cached_property
    def sums(self) -> Sums:
        (sums,) = sums_of(self.user.pk, self.now, self.now.date())
        return Sums(**sums)
