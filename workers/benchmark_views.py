"""A node's benchmark: a page of its own, which the node's page fetches as a part when somebody scrolls to it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from common import clock
from common.http import fragment_response
from common.limits import limited
from workers import services
from workers.benchmark_presentation import benchmark_part
from workers.look import Look
from workers.views import VERBS, own_worker, visible_worker

TEMPLATE = "workers/worker_benchmark.html"


@login_required
@require_GET
def worker_benchmark(request: HttpRequest, pk: int) -> HttpResponse:
    """The card alone with ?part=card, 304 while it is the same."""
    worker = visible_worker(request, pk)
    context = benchmark_part(Look(worker, clock.now())) | {"is_owner": worker.owner_id == request.user.pk}
    if request.GET.get("part") == "card":
        return fragment_response(request, f"{TEMPLATE}#card", context)
    return render(request, TEMPLATE, context)


@login_required
@require_POST
@limited("worker-verb", **VERBS)
def worker_benchmark_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Measure it when it is free."""
    worker = own_worker(request, pk)
    try:
        services.ask_for_benchmark(worker, now=clock.now(), by_owner=True)
    except services.NotNow as obstacle:
        messages.warning(request, str(obstacle))
    else:
        messages.success(request, "It is measured as soon as it is free.")
    return redirect(worker)
