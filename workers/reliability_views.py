"""A node's reliability: a page of its own, which the node's page fetches as a part when somebody scrolls to it."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from common import clock
from common.http import fragment_response
from workers.look import Look
from workers.reliability_presentation import reliability_part
from workers.views import visible_worker


@login_required
@require_GET
def worker_reliability(request: HttpRequest, pk: int) -> HttpResponse:
    """Figure, parts, level and history; the card alone with ?part=card."""
    context = reliability_part(Look(visible_worker(request, pk), clock.now()))
    if request.GET.get("part") == "card":
        return fragment_response(request, "workers/worker_reliability.html#card", context)
    return render(request, "workers/worker_reliability.html", context)
