"""Sums over the whole network for its page. Counts only: no row names a person or somebody else's node."""

from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import connection
from django.db.models import Avg, Count, F, Max, Q, Sum, Value
from django.db.models.functions import TruncDate

from rendering.models import Attempt, Task, TaskCount
from rendering.states import JobStatus, TaskStatus
from workers import services as nodes
from workers.models import Gpu, Worker
from workers.states import WorkerStatus

KEY = "leaderboard:network"
KEPT_SECONDS = 60
DAYS = 30
HARDWARE_SHOWN = 12

TOTALS = """
    SELECT * FROM
        (SELECT count(*), count(*) FILTER (WHERE status = ANY(%(at_work)s)), count(*) FILTER (WHERE status = %(completed)s)
         FROM rendering_job WHERE submitted_at IS NOT NULL) AS jobs,
        (SELECT count(*), count(*) FILTER (WHERE connected_at IS NOT NULL), sum(cpu_cores) FILTER (WHERE connected_at IS NOT NULL)
         FROM workers_worker WHERE status <> ALL(%(unknown)s)) AS nodes,
        (SELECT COALESCE(sum(tasks), 0)::bigint FROM rendering_taskcount WHERE status = %(accepted)s) AS frames,
        (SELECT COALESCE(sum(earned_micros), 0)::bigint FROM workers_tally) AS paid
"""


def overview(user, *, now: datetime) -> dict:
    return cache.get_or_set(KEY, lambda: of_the_network(now), KEPT_SECONDS) | {"own": _own(user)}


def of_the_network(now: datetime) -> dict:
    """Sums over everything; leaderboard.background keeps them fresh, so that no page waits for them."""
    by_day = list(_by_day(now))
    totals, today = _totals(), sum(row["today"] for _, row in by_day)
    return {
        **totals,
        "frames": {"all": totals["frames"], "today": today, "seconds": _pace_seconds(now)},
        "frames_by_day": [(day, row["frames"]) for day, row in by_day],
        "credits_by_day": [(day, row["micros"] / 1_000_000) for day, row in by_day],
        "hardware": _hardware(),
    }


def _totals() -> dict:
    """Jobs, nodes, accepted frames and what was paid."""
    with connection.cursor() as cursor:
        cursor.execute(
            TOTALS,
            {
                "at_work": [JobStatus.QUEUED, JobStatus.RENDERING],
                "completed": JobStatus.COMPLETED,
                "unknown": [WorkerStatus.RETIRED, WorkerStatus.NEW],
                "accepted": TaskStatus.ACCEPTED,
            },
        )
        jobs, running, completed, nodes, online, cores, frames, paid_micros = cursor.fetchone()
    return {
        "jobs": {"all": jobs, "running": running, "completed": completed},
        "nodes": {"all": nodes, "online": online, "cores": cores},
        "frames": frames,
        "paid_micros": paid_micros,
    }


def _pace_seconds(now: datetime) -> float | None:
    """Of a frame, on average."""
    recent = Attempt.objects.accepted().filter(finished_at__gte=now - timedelta(days=DAYS))
    return recent.aggregate(seconds=Avg("render_seconds"))["seconds"]


def _by_day(now: datetime):
    """(label, {frames, micros, today: in the last 24 hours}) of the last DAYS days, oldest first; days without frames too."""
    first = now.date() - timedelta(days=DAYS - 1)
    recent = (
        Task.objects.filter(status=TaskStatus.ACCEPTED, accepted_at__date__gte=first)
        .annotate(day=TruncDate("accepted_at"))
        .order_by()
        .values("day")
    )
    today = Count("pk", filter=Q(accepted_at__gte=now - timedelta(days=1)))
    counted = recent.annotate(frames=Count("pk"), micros=Sum("charged_micros"), today=today)
    rows = {row["day"]: row for row in counted}
    for offset in range(DAYS):
        day = first + timedelta(days=offset)
        yield f"{day:%-d %b}", rows.get(day, {"frames": 0, "micros": 0, "today": 0})


def _hardware() -> list[dict]:
    """What the connected nodes have, by model: GPUs before processors, the most frequent first."""
    gpus = Gpu.objects.filter(worker__connected_at__isnull=False).order_by().values("model").annotate(kind=Value("GPU"))
    cpus = Worker.objects.connected().exclude(cpu_model="").order_by().values(model=F("cpu_model")).annotate(kind=Value("CPU"))
    counted = gpus.annotate(count=Count("pk"), memory_bytes=Max("vram_bytes")).union(
        cpus.annotate(count=Count("pk"), memory_bytes=Max("ram_bytes")), all=True
    )
    return list(counted.order_by("-kind", "-count", "model")[:HARDWARE_SHOWN])


def _own(user) -> dict:
    """What this account adds to the sums."""
    days = nodes.days_of(user.pk)
    return {
        "ordered": TaskCount.objects.filter(job__owner=user).total(TaskStatus.ACCEPTED),
        "rendered": sum(day.tasks_accepted for day in days),
        "earned_micros": sum(day.earned_micros for day in days),
        "nodes": Worker.objects.owned_by(user).connected().count(),
    }
