"""The settings of a job that is not submitted yet: being read, unreadable, or ready with its price in sight."""

import copy
from dataclasses import asdict

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from common import clock
from common.http import fragment_response
from common.money import format_exact, places_for
from common.transitions import StaleMove
from credit import services as credit
from credit.errors import InsufficientCredit
from rendering import presentation, services
from rendering.errors import BadSettings, RenderingError
from rendering.forms import SettingsForm
from rendering.models import Job
from rendering.states import JobStatus
from rendering.views.jobs import own_job, visible_job


@login_required
@require_http_methods(["GET", "POST"])
def job_settings(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose settings; POST keeps them without submitting."""
    job = visible_job(request, pk) if request.method == "GET" else own_job(request, pk)
    if job.submitted_at is not None:
        return redirect(job)
    if request.method == "GET":
        return render(request, "rendering/job_settings.html", settings_context(request, job, SettingsForm(job)))
    form = SettingsForm(job, request.POST)
    if not save(request, job, form):
        return render(request, "rendering/job_settings.html", settings_context(request, job, form), status=422)
    messages.success(request, "Settings kept. The job waits here until you submit it.")
    return redirect("rendering:job-settings", pk=job.pk)


def save(request: HttpRequest, job: Job, form: SettingsForm) -> bool:
    """Keep valid settings; False when something is to be mended first."""
    if not form.is_valid():
        return False
    try:
        services.update_settings(job, form.settings)
    except BadSettings as error:
        for words in error.problems.values():
            form.add_error(None, words)
    except (StaleMove, RenderingError) as error:
        form.add_error(None, str(error))
    return not form.errors


def settings_context(request: HttpRequest, job: Job, form: SettingsForm) -> dict:
    return {
        "job": job,
        "form": form,
        "is_owner": job.owner_id == request.user.pk,
        "readable": job.status == JobStatus.READY,
        "reading": job.status in {JobStatus.DRAFT, JobStatus.INSPECTING},
        **presentation.scene_facts(job),
        **(quote_context(request, job, form) if job.status == JobStatus.READY else {}),
    }


@login_required
@require_GET
def settings_state(request: HttpRequest, pk: int) -> HttpResponse:
    """The element that says "reading your scene"; a full reload once there is more to show."""
    job = visible_job(request, pk)
    if job.status not in {JobStatus.DRAFT, JobStatus.INSPECTING}:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return fragment_response(request, "rendering/job_settings.html#state", {"job": job})


@login_required
@require_GET
def job_quote(request: HttpRequest, pk: int) -> HttpResponse:
    """Price and time for the settings in the query, which are not kept."""
    job = visible_job(request, pk)
    form = SettingsForm(job, request.GET)
    context = quote_context(request, job, form) | {"job": job, "form": form, "is_owner": job.owner_id == request.user.pk}
    return fragment_response(request, "rendering/job_settings.html#quote", context)


def quote_context(request: HttpRequest, job: Job, form: SettingsForm) -> dict:
    """The summary beside the form. An untouched form is quoted as the job stands."""
    valid = form.is_valid() if form.is_bound else True
    settings = None if not valid else form.settings if form.is_bound else services.settings_of(job)
    quote = services.quote(as_if(job, settings), clock.now()) if valid else None
    available_micros = credit.balance_of(job.owner).available_micros
    return {
        "quote": quote,
        "low_seconds": round(quote.low_seconds) if quote else 0,
        "high_seconds": round(quote.high_seconds) if quote else 0,
        "settings": settings,
        "available_micros": available_micros,
        "places": places_for(quote.high_micros) if quote else 2,
        "cap_words": format_exact(settings.cap_micros) if settings and settings.cap_micros else "none",
        "problem_count": len(form.errors),
        **presentation.cover_words(quote, settings, available_micros),
        "tiers": presentation.tier_cards(clock.now()),
    }


def as_if(job: Job, settings) -> Job:
    """A copy of the job, never saved, with other settings."""
    other = copy.copy(job)
    for name, value in asdict(settings).items():
        setattr(other, name, value)
    return other


@login_required
@require_POST
def job_submit(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the form's settings and send the job to the network."""
    job = own_job(request, pk)
    form = SettingsForm(job, request.POST)
    if job.submitted_at is not None:
        return redirect(job)
    if not save(request, job, form) or not submit(job, form):
        return render(request, "rendering/job_settings.html", settings_context(request, job, form), status=422)
    return redirect(job)


def submit(job: Job, form: SettingsForm) -> bool:
    try:
        services.submit_job(job, clock.now())
    except InsufficientCredit:
        form.add_error(
            None, "Your available credit does not cover the first frame. Top up, then submit again: the settings are kept."
        )
    except (StaleMove, RenderingError) as error:
        form.add_error(None, str(error))
    return not form.errors
