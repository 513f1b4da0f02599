"""All nodes of one owner: the list, the same as a file, and verbs for many at once."""

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from common import clock
from common.http import fragment_response
from common.limits import limited
from common.sheets import file_response
from workers import fleet_presentation, presentation, services, summary
from workers.fleet_forms import BulkForm, FleetForm
from workers.look import for_look, with_day
from workers.models import Worker
from workers.states import WorkerStatus

NODES_SHOWN = 25


@login_required
@require_GET
def worker_list(request: HttpRequest) -> HttpResponse:
    """The owner's nodes; the rows alone for live refreshes (?rows=1)."""
    own, now, filters = Worker.objects.owned_by(request.user), clock.now(), FleetForm(request.GET)
    found = filters.found_among(own)
    counts = own.aggregate(all=Count("pk"), retired=Count("pk", filter=Q(status=WorkerStatus.RETIRED)))
    said = filters.said()
    pages = Paginator(filters.in_order(with_day(for_look(found), now)), NODES_SHOWN)
    if not {"q", "status"} & set(said):
        pages.count = counts["all"] - counts["retired"]
    page = pages.get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": presentation.rows_of(list(page), now=now),
        "filters": filters,
        "bulk": BulkForm.base_fields,
        "section_tabs": summary.sections(),
        "any_nodes": counts["all"] > 0,
        "retired": counts["retired"],
        "is_filtered": bool({"q", "status"} & set(said)),
        "said": said,
        "query": urlencode(said),
        "fragment_query": urlencode({"rows": 1, **said, "page": page.number}),
    }
    if request.GET.get("rows"):
        return fragment_response(request, "workers/worker_list.html#rows", context)
    return render(request, "workers/worker_list.html", context)


@login_required
@require_GET
@limited("worker-export", limit=30, seconds=600, method="GET")
def worker_csv(request: HttpRequest) -> HttpResponse:
    """All nodes that the search and the filter let through, written as they are read."""
    filters = FleetForm(request.GET)
    nodes = filters.in_order(filters.found_among(Worker.objects.owned_by(request.user)))
    return file_response(fleet_presentation.csv_lines(nodes, now=clock.now()), "nodes.csv")


@login_required
@require_POST
@limited("worker-bulk", limit=60, seconds=600)
def worker_bulk(request: HttpRequest) -> HttpResponse:
    """Ask first; do it when the answer is yes."""
    form = BulkForm(request.POST)
    back = redirect("workers:worker-list")
    if not form.is_valid():
        messages.warning(request, "Tick the nodes first, or choose all that are listed.")
        return back
    verb, nodes = form.cleaned_data["verb"], form.found_among(Worker.objects.owned_by(request.user))
    if not request.POST.get("confirmed"):
        sent = [(name, value) for name in ("verb", "which", "q", "status", "node") for value in request.POST.getlist(name)]
        return render(request, "workers/worker_bulk.html", fleet_presentation.question(verb, nodes) | {"sent": sent})
    count = act(verb, nodes, request.user)
    messages.success(request, fleet_presentation.done_words(verb, count))
    return back


def act(verb: str, nodes, user) -> int:
    if verb == "resume":
        return services.resume_all(nodes, now=clock.now(), actor=user)
    return services.pause_all(nodes, at_once=verb == "stop", now=clock.now(), actor=user)
