"""The settings of a job that is not submitted yet: being read, unreadable, or ready with its price in sight."""

import copy
import json
from dataclasses import asdict

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import Truncator
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from common import clock
from common.http import fragment_response
from common.limits import limited
from common.money import format_exact, places_for
from common.transitions import StaleMove
from common.written import written_once
from credit import services as credit
from credit.errors import BudgetReached, InsufficientCredit
from rendering import fitting, presentation, presets, services, uploads
from rendering.errors import BadSettings, RenderingError
from rendering.gate import preview_count
from rendering.job_settings import JobSettings
from rendering.models import Job
from rendering.probed import newest_run, progress_of
from rendering.rates import rates_at
from rendering.settings_defaults import in_the_file, initial_of, text_of
from rendering.settings_form import FORM_NAMES, SettingsForm
from rendering.states import JobStatus
from rendering.views.jobs import own_job, visible_job

ALREADY_SUBMITTED = "This job is submitted already, perhaps in another tab; nothing was sent twice. Here it is."
EARLIER_SHOWN = 30
FIGURES_A_MINUTE = 240  # prices and counts of nodes, asked for while somebody types; a page beside it asks every few seconds
TILE_GRIDS = ("2x2", "3x3", "4x4", "6x6", "8x8", "1x8")  # proposed; any other up to 64 tiles can be written


@login_required
@require_http_methods(["GET", "POST"])
def job_settings(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose settings; POST keeps them without submitting, or fills a preset in without keeping it."""
    job = visible_job(request, pk) if request.method == "GET" else own_job(request, pk)
    if job.submitted_at is not None:
        return already_submitted(request, job)
    if request.method == "GET":
        form = SettingsForm(job, initial=initial_like(request, job))
        return render(request, "rendering/job_settings.html", settings_context(request, job, form))
    if preset := presets.find(request.POST.get("preset", "")):
        return render(request, "rendering/job_settings.html", settings_context(request, job, preset_form(request, job, preset)))
    form = SettingsForm(job, request.POST)
    if not save(request, job, form):
        return render(request, "rendering/job_settings.html", settings_context(request, job, form), status=422)
    messages.success(request, "Settings kept. The job waits here until you submit it.")
    return redirect("rendering:job-settings", pk=job.pk)


def already_submitted(request: HttpRequest, job: Job) -> HttpResponse:
    """A second tab, or the button pressed twice: say so and show the job."""
    if request.method == "POST":
        messages.warning(request, ALREADY_SUBMITTED)
    return redirect(job)


def initial_like(request: HttpRequest, job: Job) -> dict:
    """The fields of an earlier job that was asked for (?like=12), as far as they make sense for this file."""
    asked = request.GET.get("like", "")
    other = (
        earlier_jobs(job.owner_id).select_related("scene").filter(pk=asked).first()
        if asked.isdecimal() and len(asked) < 19
        else None
    )
    return initial_of(as_if(job, services.settings_like(job, other))) if other else {}


def earlier_jobs(owner_id: int) -> QuerySet[Job]:
    """The creator's submitted jobs, newest first."""
    return Job.objects.filter(owner=owner_id, submitted_at__isnull=False).order_by("-id")


@written_once
def earlier_to_choose(owner_id: int) -> QuerySet:
    return earlier_jobs(owner_id).values_list("pk", "name", "width", "height", "frames")[:EARLIER_SHOWN]


def earlier_choices(job: Job) -> list[tuple[str, str]]:
    """What can be asked for as ?like=, and its words."""
    return [
        (str(pk), f"{name}, {width} × {height}, frames {Truncator(frames).chars(24)}")
        for pk, name, width, height, frames in earlier_to_choose(job.owner_id)
    ]


def preset_form(request: HttpRequest, job: Job, preset: presets.Preset) -> SettingsForm:
    """The form as sent, with the preset's fields in place; not kept."""
    fields = request.POST.dict() | {name: str(value) for name, value in presets.applied(preset, in_the_file(job)).items()}
    return SettingsForm(job, fields)


def save(request: HttpRequest, job: Job, form: SettingsForm) -> bool:
    """Keep valid settings; False when something is to be mended first."""
    if not form.is_valid():
        return False
    try:
        services.update_settings(job, form.settings)
    except BadSettings as error:
        add_problems(form, error)
    except (StaleMove, RenderingError) as error:
        form.add_error(None, str(error))
    return not form.errors


def add_problems(form: SettingsForm, error: BadSettings) -> None:
    """Each beside its field."""
    for field, words in error.problems.items():
        name = FORM_NAMES.get(field, field)
        form.add_error(name if name in form.fields else None, words)


def settings_context(request: HttpRequest, job: Job, form: SettingsForm) -> dict:
    return {
        "job": job,
        "form": form,
        "is_owner": job.owner_id == request.user.pk,
        "readable": job.status == JobStatus.READY,
        "reading": job.status in {JobStatus.DRAFT, JobStatus.INSPECTING},
        **presentation.scene_facts(job),
        **(ready_context(request, job, form) if job.status == JobStatus.READY else {}),
    }


def ready_context(request: HttpRequest, job: Job, form: SettingsForm) -> dict:
    """What the form needs besides its fields."""
    said = in_the_file(job)
    blends = uploads.blends_of(list(job.scene.files.values_list("path", flat=True)))
    context = quote_context(request, job, form)
    return context | {
        "presets": [(preset, json.dumps(presets.applied(preset, said))) for preset in presets.PRESETS],
        "file_software": said.get("software"),
        "earlier": earlier_choices(job),
        "gpu_models": context["fit"].gpu_models if context["fit"] else fitting.gpu_models_online(),
        "tile_grids": TILE_GRIDS,
        "blend_count": len(blends),
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
@limited("quote", limit=FIGURES_A_MINUTE, seconds=60, method="GET")
def job_quote(request: HttpRequest, pk: int) -> HttpResponse:
    """Price and time for the settings in the query, which are not kept."""
    job = visible_job(request, pk)
    form = SettingsForm(job, request.GET)
    context = quote_context(request, job, form) | {"job": job, "form": form, "is_owner": job.owner_id == request.user.pk}
    return fragment_response(request, "rendering/job_settings.html#quote", context)


@login_required
@require_GET
@limited("fit", limit=FIGURES_A_MINUTE, seconds=60, method="GET")
def job_fit(request: HttpRequest, pk: int) -> HttpResponse:
    """How many nodes fit the settings in the query, which are not kept."""
    job = visible_job(request, pk)
    settings = settings_meant(job, SettingsForm(job, request.GET or None))
    context = {"job": job, "fit": fitting.fit_of(as_if(job, settings)) if settings else None}
    return fragment_response(request, "rendering/job_settings.html#fit", context)


def quote_context(request: HttpRequest, job: Job, form: SettingsForm) -> dict:
    """The summary beside the form. An untouched form is quoted as the job stands."""
    now = clock.now()
    settings = settings_meant(job, form)
    shown = as_if(job, settings) if settings else None
    rates, probes = rates_at(now), newest_run(shown) if shown else []
    quote = services.quote(shown, now, rate=rates[shown.tier], probes=probes) if shown else None
    probe = progress_of(probes) if shown else None
    balance = credit.balance_of(job.owner)
    if job.owner_id == request.user.pk:
        request.balance = balance  # the header shows it too
    available_micros = balance.available_micros
    return {
        "quote": quote,
        "low_seconds": round(quote.low_seconds) if quote else 0,
        "high_seconds": round(quote.high_seconds) if quote else 0,
        "settings": settings,
        "available_micros": available_micros,
        "places": places_for(quote.high_micros) if quote else 2,
        "cap_words": format_exact(settings.cap_micros) if settings and settings.cap_micros else "none",
        "problem_count": len(form.errors),
        "fit": fitting.fit_of(shown) if shown else None,
        "probe": probe,
        "probe_words": presentation.probe_words(probe) if probe else "",
        "preview_frames": preview_count(quote.frames, settings.gate_step) if quote and settings and settings.gate_step else 0,
        **presentation.cover_words(quote, settings, available_micros),
        **presentation.deadline_words(quote, settings, now),
        "tiers": presentation.tier_cards(rates),
    }


def settings_meant(job: Job, form: SettingsForm) -> JobSettings | None:
    """Those of the form; of an untouched one as its fields first show; None while something is to be mended."""
    if not form.is_bound:
        form = SettingsForm(job, {name: text_of(value) for name, value in form.shown().items()})
    return form.settings if form.is_valid() else None


def as_if(job: Job, settings) -> Job:
    """A copy of the job, never saved, with other settings."""
    other = copy.copy(job)
    for name, value in asdict(settings).items():
        setattr(other, name, value)
    return other


@login_required
@require_POST
@limited("submit", limit=60, seconds=600)
def job_submit(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the form's settings and send the job to the network."""
    job = own_job(request, pk)
    form = SettingsForm(job, request.POST)
    if job.submitted_at is not None:
        return already_submitted(request, job)
    if not save(request, job, form) or not submit(job, form):
        job.refresh_from_db()
        if job.submitted_at is not None:  # the other tab came first
            return already_submitted(request, job)
        return render(request, "rendering/job_settings.html", settings_context(request, job, form), status=422)
    return redirect(job)


def submit(job: Job, form: SettingsForm) -> bool:
    try:
        services.submit_job(job, clock.now())
    except BudgetReached as error:
        form.add_error(None, error.words)
    except InsufficientCredit:
        form.add_error(
            None, "Your available credit does not cover the first frame. Top up, then submit again: the settings are kept."
        )
    except (StaleMove, RenderingError) as error:
        form.add_error(None, str(error))
    return not form.errors


@login_required
@require_POST
@limited("probe", limit=20, seconds=600)
def job_probe(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the form's settings and have a few frames rendered at low cost, free, for a narrower price."""
    job = own_job(request, pk)
    form = SettingsForm(job, request.POST)
    if job.submitted_at is not None:
        return already_submitted(request, job)
    if not save(request, job, form):
        return render(request, "rendering/job_settings.html", settings_context(request, job, form), status=422)
    try:
        services.start_probe(job, clock.now())
    except StaleMove:
        messages.warning(request, "The job had already moved on; here is how it stands now.")
    except RenderingError as error:
        messages.warning(request, str(error))
    return redirect("rendering:job-settings", pk=job.pk)


@login_required
@require_POST
@limited("copy", limit=60, seconds=600)
def job_copy(request: HttpRequest, pk: int) -> HttpResponse:
    """A new job like this one: same scene, same settings, to be changed and submitted."""
    job = own_job(request, pk)
    try:
        made = services.copy_job(job, clock.now())
    except RenderingError as error:
        messages.error(request, str(error))
        return redirect(job)
    messages.success(request, f"A new job with the settings of “{job.name}”. Change what you like, then submit it.")
    return redirect("rendering:job-settings", pk=made.pk)


@login_required
@require_POST
def job_change(request: HttpRequest, pk: int) -> HttpResponse:
    """The preview is not good: this job ends here, and a new one like it is opened to be changed."""
    job = own_job(request, pk)
    try:
        made = services.change_preview(job, actor=request.user, now=clock.now())
    except StaleMove:
        messages.warning(request, "The job had already moved on; here is how it stands now.")
    except RenderingError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, "The job ended with its preview; only finished frames are charged. Change what you like here."
        )
        return redirect("rendering:job-settings", pk=made.pk)
    return redirect(job)
