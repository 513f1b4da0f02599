"""Sums over the whole network for its page. Counts only: no row names a person or somebody else's node."""

from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import Avg, Count, Max, Q, Sum
from django.db.models.functions import TruncDate

from rendering.models import Attempt, Job, Task, TaskCount
from rendering.states import JobStatus, TaskStatus
from workers import services as nodes
from workers.models import Gpu, Tally, Worker
from workers.states import WorkerStatus

KEY = "leaderboard:network"
KEPT_SECONDS = 60
DAYS = 30
HARDWARE_SHOWN = 12


def overview(user, *, now: datetime) -> dict:
    return cache.get_or_set(KEY, lambda: of_the_network(now), KEPT_SECONDS) | {"own": _own(user)}


def of_the_network(now: datetime) -> dict:
    """Sums over everything; leaderboard.background keeps them fresh, so that no page waits for them."""
    by_day = list(_by_day(now))
    return {
        "jobs": _jobs(),
        "frames": _frames(now),
        "nodes": _nodes(),
        "paid_micros": Tally.objects.aggregate(micros=Sum("earned_micros"))["micros"] or 0,
        "frames_by_day": [(day, row["frames"]) for day, row in by_day],
        "credits_by_day": [(day, row["micros"] / 1_000_000) for day, row in by_day],
        "hardware": [*_gpus(), *_cpus()][:HARDWARE_SHOWN],
    }


def _jobs() -> dict:
    at_work = Q(status__in=[JobStatus.QUEUED, JobStatus.RENDERING])
    return Job.objects.exclude(submitted_at=None).aggregate(
        all=Count("pk"), running=Count("pk", filter=at_work), completed=Count("pk", filter=Q(status=JobStatus.COMPLETED))
    )


def _frames(now: datetime) -> dict:
    today = Task.objects.filter(status=TaskStatus.ACCEPTED, accepted_at__gte=now - timedelta(days=1)).count()
    pace = (
        Attempt.objects.accepted().filter(finished_at__gte=now - timedelta(days=DAYS)).aggregate(seconds=Avg("render_seconds"))
    )
    return {"all": TaskCount.objects.total(TaskStatus.ACCEPTED), "today": today, "seconds": pace["seconds"]}


def _nodes() -> dict:
    known = Worker.objects.exclude(status__in=[WorkerStatus.RETIRED, WorkerStatus.NEW])
    connected = Q(connected_at__isnull=False)
    return known.aggregate(all=Count("pk"), online=Count("pk", filter=connected), cores=Sum("cpu_cores", filter=connected))


def _by_day(now: datetime):
    """(label, {frames, micros}) of the last DAYS days, oldest first; days without frames too."""
    first = now.date() - timedelta(days=DAYS - 1)
    recent = (
        Task.objects.filter(status=TaskStatus.ACCEPTED, accepted_at__date__gte=first)
        .annotate(day=TruncDate("accepted_at"))
        .order_by()
        .values("day")
    )
    rows = {row["day"]: row for row in recent.annotate(frames=Count("pk"), micros=Sum("charged_micros"))}
    for offset in range(DAYS):
        day = first + timedelta(days=offset)
        yield f"{day:%-d %b}", rows.get(day, {"frames": 0, "micros": 0})


def _gpus() -> list[dict]:
    """GPUs of the connected nodes by model."""
    rows = Gpu.objects.filter(worker__connected_at__isnull=False).order_by().values("model")
    counted = rows.annotate(count=Count("pk"), memory_bytes=Max("vram_bytes")).order_by("-count", "model")
    return [{"kind": "GPU", **row} for row in counted]


def _cpus() -> list[dict]:
    rows = Worker.objects.connected().exclude(cpu_model="").order_by().values("cpu_model")
    counted = rows.annotate(count=Count("pk"), memory_bytes=Max("ram_bytes")).order_by("-count", "cpu_model")
    return [{"kind": "CPU", "model": row.pop("cpu_model"), **row} for row in counted]


def _own(user) -> dict:
    """What this account adds to the sums."""
    days = nodes.days_of(user.pk)
    return {
        "ordered": TaskCount.objects.filter(job__owner=user).total(TaskStatus.ACCEPTED),
        "rendered": sum(day.tasks_accepted for day in days),
        "earned_micros": sum(day.earned_micros for day in days),
        "nodes": Worker.objects.owned_by(user).connected().count(),
    }
