"""A node's charts: a page of their own, which the node's page fetches as a part when somebody scrolls to it."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from common import clock
from workers import charts
from workers.views import visible_worker


@login_required
@require_GET
def worker_charts(request: HttpRequest, pk: int) -> HttpResponse:
    """Gauges over ?period=; the charts alone with ?part=charts."""
    worker, now = visible_worker(request, pk), clock.now()
    asked = request.GET.get("period")
    period = next((period for period in charts.PERIODS if period.key == asked), charts.first_shown(worker, now=now))
    shown = charts.read(worker, period, now=now)
    context = {"worker": worker, "shown": shown, "period": period, "periods": charts.PERIODS, "figures": shown.figures}
    part = "#charts" if request.GET.get("part") == "charts" else ""
    return render(request, f"workers/worker_charts.html{part}", context)
