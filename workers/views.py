"""The nodes' pages: new node, the live page with its parts, and the owner's verbs."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from common import clock
from common.http import fragment_response
from common.limits import limited
from common.transitions import IllegalMove, StaleMove
from workers import event_presentation, presentation, reliability_presentation, services, setting_up
from workers.forms import LocationForm, WorkerForm
from workers.look import Look, for_look
from workers.models import Worker

VERBS = {"limit": 120, "seconds": 600}  # each writes a line of history

# Live parts of a node's page: each is one element, one partial of worker_detail.html and one reader of rows.
PARTS = {
    "head": presentation.head_part,
    "notice": presentation.notice_part,
    "setup": setting_up.setup_part,
    "stats": presentation.stats_part,
    "gauges": presentation.gauges_part,
    "work": presentation.work_part,
    "history": presentation.history_part,
    "events": event_presentation.events_part,
    "facts": presentation.facts_part,
    "misfits": presentation.misfits_part,
}


def visible_worker(request: HttpRequest, pk: int) -> Worker:
    """The node, if this viewer may see it; staff see all. 404 otherwise."""
    return get_object_or_404(for_look(Worker.objects.visible_to(request.user)), pk=pk)


def own_worker(request: HttpRequest, pk: int) -> Worker:
    """The node, for its owner's verbs."""
    return get_object_or_404(Worker.objects.owned_by(request.user), pk=pk)


# Pages ----------------------------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def worker_new(request: HttpRequest) -> HttpResponse:
    form = WorkerForm(request.POST or None, initial={"name": services.free_name(request.user)})
    if request.method == "POST" and form.is_valid():
        try:
            worker = services.create_worker(request.user, form.cleaned_data["name"], now=clock.now())
            services.renew_enrolment(worker, now=clock.now(), actor=request.user)
            return redirect(worker)
        except services.NameTaken:
            form.add_error("name", "You have a node of this name already.")
        except services.TooManyNodes:
            form.add_error(None, "This account has as many nodes as one account may have.")
    return render(request, "workers/worker_new.html", {"form": form}, status=422 if form.is_bound else 200)


@login_required
@require_GET
def worker_detail(request: HttpRequest, pk: int) -> HttpResponse:
    worker = visible_worker(request, pk)
    look, context = Look(worker, clock.now()), {"is_owner": worker.owner_id == request.user.pk}
    context |= reliability_presentation.figures_of(worker)
    for part in PARTS.values():
        context |= part(look)
    return render(request, "workers/worker_detail.html", context)


@login_required
@require_GET
def worker_part(request: HttpRequest, pk: int, part: str) -> HttpResponse:
    """One live element again, 304 while it is the same."""
    if part not in PARTS:
        raise Http404
    worker = visible_worker(request, pk)
    context = PARTS[part](Look(worker, clock.now())) | {"is_owner": worker.owner_id == request.user.pk}
    return fragment_response(request, f"workers/worker_detail.html#{part}", context)


@login_required
@require_http_methods(["GET", "POST"])
def worker_location(request: HttpRequest, pk: int) -> HttpResponse:
    """Where the node stands, chosen by its owner."""
    worker = own_worker(request, pk)
    form = LocationForm(request.POST or None, initial={"country": worker.country})
    if request.method == "POST" and form.is_valid():
        services.locate_worker(worker, form.cleaned_data["country"], now=clock.now(), actor=request.user)
        messages.success(request, "Saved.")
        return redirect(worker)
    status = 422 if form.is_bound else 200
    return render(request, "workers/worker_location.html", {"form": form, "worker": worker}, status=status)


# Verbs ----------------------------------------------------------------------------------------------------------------


@login_required
@require_POST
@limited("worker-verb", **VERBS)
def worker_config(request: HttpRequest, pk: int) -> HttpResponse:
    """A fresh configuration file, or with `to=page` a fresh command on the node's page; those before stop working."""
    worker = own_worker(request, pk)
    if not presentation.verbs_of(worker)["can_configure"]:
        raise Http404
    if request.POST.get("to") == "page":
        services.renew_enrolment(worker, now=clock.now(), actor=request.user)
        return redirect(worker)
    text = services.new_config(worker, now=clock.now(), actor=request.user)
    disposition = f'attachment; filename="{setting_up.config_name(worker)}"'
    headers = {"Content-Disposition": disposition, "Cache-Control": "no-store"}
    return HttpResponse(text, content_type="application/toml; charset=utf-8", headers=headers)


def act(request: HttpRequest, pk: int, verb, done: str) -> HttpResponse:
    """Call one service for the node and return to its page with the outcome in words."""
    worker = own_worker(request, pk)
    try:
        verb(worker, now=clock.now(), actor=request.user)
    except (StaleMove, IllegalMove):
        messages.warning(request, "The node had already moved on; here is how it stands now.")
    else:
        messages.success(request, done)
    return redirect(worker)


@login_required
@require_POST
@limited("worker-verb", **VERBS)
def worker_pause(request: HttpRequest, pk: int) -> HttpResponse:
    return act(request, pk, services.pause_worker, "Paused. The task that runs is finished and paid; no other begins.")


@login_required
@require_POST
@limited("worker-verb", **VERBS)
def worker_stop(request: HttpRequest, pk: int) -> HttpResponse:
    return act(request, pk, services.stop_worker, "Paused at once. What it rendered went back to the queue, unpaid.")


@login_required
@require_POST
@limited("worker-verb", **VERBS)
def worker_resume(request: HttpRequest, pk: int) -> HttpResponse:
    return act(request, pk, services.resume_worker, "Resumed.")


@login_required
@require_POST
@limited("worker-verb", **VERBS)
def worker_update(request: HttpRequest, pk: int) -> HttpResponse:
    """The newest release of the agent is allowed on this node."""
    worker, release = own_worker(request, pk), services.newest_release()
    if release is None or not presentation.verbs_of(worker)["can_configure"]:
        messages.warning(request, "There is no release for this node.")
    else:
        services.allow_release(worker, release, now=clock.now(), actor=request.user)
        messages.success(request, f"Allowed. The agent goes over to release {release.pk} between two tasks.")
    return redirect(worker)


@login_required
@require_POST
def worker_retire(request: HttpRequest, pk: int) -> HttpResponse:
    return act(request, pk, services.retire_worker, "Retired. Its key opens nothing any more; its history stays.")
