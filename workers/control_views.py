"""The settings page of a node: its owner's controls, and its maintenance."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from common import clock
from common.limits import limited
from workers import control_presentation, services
from workers.control_forms import DAY_NUMBERS, ControlsForm, MaintenanceForm
from workers.control_models import controls_of
from workers.models import Worker
from workers.teams import NAMED_MAX

SAVES = {"limit": 60, "seconds": 600}


def own_worker(request: HttpRequest, pk: int) -> Worker:
    return get_object_or_404(Worker.objects.owned_by(request.user).kept().select_related("controls", "owner"), pk=pk)


@login_required
@require_http_methods(["GET", "POST"])
@limited("worker-settings", **SAVES)
def worker_settings(request: HttpRequest, pk: int) -> HttpResponse:
    worker = own_worker(request, pk)
    controls = controls_of(worker)
    form = ControlsForm(controls, request.POST or None)
    if request.POST.get("copy") in DAY_NUMBERS:
        return page(request, worker, form=form.copied(int(request.POST["copy"])), copied=True)
    if form.is_bound and form.is_valid():
        try:
            changed = services.set_controls(worker, now=clock.now(), actor=request.user, **form.values())
        except services.TooManyNamed:
            form.add_error("team", f"You may name {NAMED_MAX} people on all of your nodes together.")
        else:
            messages.success(request, "Saved." if changed else "Nothing was changed.")
            return redirect("workers:worker-settings", pk=worker.pk)
    return page(request, worker, form=form, status=422 if form.is_bound else 200)


@login_required
@require_POST
@limited("worker-settings", **SAVES)
def worker_maintenance(request: HttpRequest, pk: int) -> HttpResponse:
    """Announce a window."""
    worker, now = own_worker(request, pk), clock.now()
    form = MaintenanceForm(controls_of(worker).time_zone, now, request.POST)
    if form.is_valid():
        try:
            row = services.announce_maintenance(worker, form.window, now=now, actor=request.user)
        except services.MaintenanceAnnounced:
            messages.warning(request, "Maintenance is announced already; call it off before you announce another.")
        else:
            messages.success(request, control_presentation.announced_words(row))
        return redirect("workers:worker-settings", pk=worker.pk)
    return page(request, worker, maintenance_form=form, status=422)


@login_required
@require_POST
def worker_maintenance_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Call it off, or end it early."""
    worker = own_worker(request, pk)
    ended = services.end_maintenance(worker, now=clock.now(), actor=request.user)
    messages.success(request, "The node takes work again." if ended else "There was no maintenance any more.")
    return redirect("workers:worker-settings", pk=worker.pk)


def page(
    request: HttpRequest,
    worker: Worker,
    *,
    form: ControlsForm | None = None,
    maintenance_form: MaintenanceForm | None = None,
    copied: bool = False,
    status: int = 200,
) -> HttpResponse:
    """The whole page, with the forms as they stand."""
    controls, now = controls_of(worker), clock.now()
    context = control_presentation.settings_page(worker, now=now) | {
        "form": form or ControlsForm(controls),
        "maintenance_form": maintenance_form or MaintenanceForm(controls.time_zone, now),
        "copied": copied,
    }
    return render(request, "workers/worker_settings.html", context, status=status)
