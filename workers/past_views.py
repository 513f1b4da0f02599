"""The past of a node: a page of its tasks with their verdicts, the same as a file, and a page of what happened to it."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from common.http import fragment_response
from common.limits import limited
from common.paging import Place
from common.sheets import file_response
from workers import event_presentation, past
from workers.setting_up import config_name
from workers.views import visible_worker

TASKS_SHOWN = 25
EVENTS_SHOWN = 50
NEWEST_SHOWN = 8  # on the node's own page


@login_required
@require_GET
def worker_tasks(request: HttpRequest, pk: int) -> HttpResponse:
    """Page by page: ?older= names the last row of the page before. The newest alone with ?part=newest."""
    worker = visible_worker(request, pk)
    if request.GET.get("part") == "newest":
        page = past.page_of(worker, older=None, size=NEWEST_SHOWN, viewer=request.user)
        return fragment_response(request, "workers/worker_tasks.html#newest", {"worker": worker, "page": page})
    older = past.Spot.read(request.GET.get("older"))
    page = past.page_of(worker, older=older, size=TASKS_SHOWN, viewer=request.user)
    return render(request, "workers/worker_tasks.html", {"worker": worker, "page": page, "is_first": older is None})


@login_required
@require_GET
@limited("worker-tasks-export", limit=30, seconds=600, method="GET")
def worker_tasks_csv(request: HttpRequest, pk: int) -> HttpResponse:
    """All of it, written as it is read."""
    worker = visible_worker(request, pk)
    name = config_name(worker).removesuffix(".toml")
    return file_response(past.csv_lines(worker, viewer=request.user), f"{name}-tasks.csv")


@login_required
@require_GET
def worker_events(request: HttpRequest, pk: int) -> HttpResponse:
    """All events, or those of ?subject=, page by page."""
    worker = visible_worker(request, pk)
    subject = request.GET.get("subject", "")
    subject = subject if subject in event_presentation.SUBJECTS else ""
    older = Place.read(request.GET.get("older"))
    page = event_presentation.page_of(worker, subject=subject, older=older, size=EVENTS_SHOWN)
    context = {
        "worker": worker,
        "page": page,
        "subject": subject,
        "is_first": older is None,
        "tabs": event_presentation.tabs(worker),
    }
    return render(request, "workers/worker_events.html", context)
