"""How good the ranges were that creators saw before submit: for the operators."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import Avg, Case, CharField, Count, F, FloatField, Q, Value, When
from django.db.models.functions import Cast

from rendering.models import Job
from rendering.states import JobStatus

INSIDE = Q(charged_micros__gte=F("estimate_low_micros"), charged_micros__lte=F("estimate_high_micros"))
RESTS_ON = Case(
    When(estimate_basis__contains="probe frames", then=Value("probe frames")),
    When(estimate_basis__contains="rendered frame", then=Value("earlier frames of the scene")),
    default=Value("size and samples alone"),
    output_field=CharField(),
)


class Accuracy(NamedTuple):
    """Of the completed jobs whose range rested on the same thing."""

    basis: str
    jobs: int
    inside_percent: float  # whose final price lay in the range
    width_percent: float  # mean half-width of the range around its middle


def accuracies(since: datetime) -> list[Accuracy]:
    """Of jobs completed since then, best founded first. Prices, as times depend on what else the nodes had to do."""
    low, high = (Cast(F(f"estimate_{end}_micros"), FloatField()) for end in ("low", "high"))
    jobs = Job.objects.filter(status=JobStatus.COMPLETED, finished_at__gte=since, estimate_high_micros__gt=0).order_by()
    rows = (
        jobs.annotate(rests_on=RESTS_ON)
        .values("rests_on")
        .annotate(jobs=Count("id"), inside=Count("id", filter=INSIDE), width=Avg((high - low) / (high + low)))
        .order_by("rests_on")
    )
    found = [Accuracy(row["rests_on"], row["jobs"], 100 * row["inside"] / row["jobs"], 100 * row["width"]) for row in rows]
    return sorted(found, key=lambda row: row.width_percent)
