"""What the pages of nodes need of the database: every fact is read once, however many parts show it."""

from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Exists, F, FilteredRelation, Min, OuterRef, Q, QuerySet, Subquery

from workers import explain, uptime
from workers.explain import AtWork
from workers.kinds import kind_of
from workers.models import AgentRelease, Lease, ReliabilityDay, Shift, Tally, Worker

CALENDAR_WEEKS = 13
EARNINGS_DAYS = 30
RELIABILITY_DAYS = 90


def for_look(workers: QuerySet) -> QuerySet:
    """Adds what a Look needs: controls, GPUs, `first_signed_on_at`, `holds_work`, whether it holds any, and of the newest
    release of the agent `newest_release` (its number, or None) and `newest_sha256`."""
    first = Shift.objects.filter(worker=OuterRef("pk")).order_by().values("worker").annotate(at=Min("started_at"))
    held = Exists(Lease.objects.filter(worker=OuterRef("pk")))
    newest = AgentRelease.objects.order_by("-pk")
    return (
        workers.select_related("controls", "self_test", "build")
        .prefetch_related("gpus")
        .annotate(first_signed_on_at=Subquery(first.values("at")), holds_work=held)
        .annotate(newest_release=Subquery(newest.values("pk")[:1]), newest_sha256=Subquery(newest.values("sha256")[:1]))
    )


def with_day(workers: QuerySet, now: datetime) -> QuerySet:
    """Adds `earned_micros` and `tasks_accepted` of this day, None before the first task."""
    day = FilteredRelation("tallies", condition=Q(tallies__day_on=now.date()))
    return workers.annotate(day=day, earned_micros=F("day__earned_micros"), tasks_accepted=F("day__tasks_accepted"))


def spans_of(workers: list[Worker], since: datetime) -> dict[int, list[uptime.Span]]:
    """When each was online, from the shifts that reach into the time since then."""
    found: dict[int, list[uptime.Span]] = {}
    shifts = Shift.objects.filter(worker__in=workers).exclude(ended_at__lt=since)
    for worker_id, began, ended in shifts.values_list("worker_id", "started_at", "ended_at"):
        found.setdefault(worker_id, []).append((began, ended))
    return found


def titles(rows: list[AtWork]) -> dict[tuple[str, int], str]:
    """What the products call the references, by (kind, reference)."""
    by_kind: dict[str, list[int]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row.reference)
    return {
        (kind, reference): title
        for kind, references in by_kind.items()
        for reference, title in kind_of(kind).titles(references).items()
    }


class Look:
    """One look at a node (of `for_look`)."""

    def __init__(self, worker: Worker, now: datetime):
        self.worker, self.now = worker, now

    @cached_property
    def work(self) -> list[AtWork]:
        """What it holds: what runs, what is next, what uploads."""
        return explain.work_of(self.worker) if self.worker.holds_work else []

    @property
    def running(self) -> int:
        return sum(row.place == 0 for row in self.work)

    @cached_property
    def titles(self) -> dict[tuple[str, int], str]:
        return titles(self.work)

    @cached_property
    def idle_reason(self) -> str:
        """Empty while it holds work."""
        return "" if self.work else explain.idle_reasons([self.worker])[self.worker.pk]

    @cached_property
    def tallies(self) -> list[Tally]:
        """Of the last EARNINGS_DAYS days, today included."""
        return list(self.worker.tallies.filter(day_on__gt=self.now.date() - timedelta(days=EARNINGS_DAYS)))

    @cached_property
    def today(self) -> Tally:
        return next((tally for tally in self.tallies if tally.day_on == self.now.date()), Tally(worker=self.worker))

    @cached_property
    def reliability_days(self) -> list[ReliabilityDay]:
        """Of RELIABILITY_DAYS, oldest first."""
        since = self.now.date() - timedelta(days=RELIABILITY_DAYS)
        return list(self.worker.reliability_days.filter(day_on__gt=since).order_by("day_on"))

    @cached_property
    def spans(self) -> list[uptime.Span]:
        """Of CALENDAR_WEEKS."""
        return spans_of([self.worker], self.now - timedelta(weeks=CALENDAR_WEEKS)).get(self.worker.pk, [])
