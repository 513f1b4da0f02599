"""The summary of an owner's nodes: what they earned and did together."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from common import clock
from common.http import fragment_response
from workers import summary
from workers.models import Worker


@login_required
@require_GET
def worker_summary(request: HttpRequest) -> HttpResponse:
    """The figures alone with ?part=stats, for live refreshes; ?days= of the charts."""
    look = summary.Together(request.user, clock.now())
    if request.GET.get("part") == "stats":
        return fragment_response(request, "workers/worker_summary.html#stats", summary.stats_part(look))
    context = {"any_nodes": Worker.objects.owned_by(request.user).exists(), "section_tabs": summary.sections()}
    if context["any_nodes"]:
        context |= summary.stats_part(look) | summary.charts_part(look, _period(request.GET.get("days")))
        context |= summary.calendar_part(look) | summary.best_part(look)
    return render(request, "workers/worker_summary.html", context)


def _period(days: str | None) -> summary.Period:
    return next((period for period in summary.PERIODS if str(period.days) == days), summary.PERIODS[1])
