"""The jobs list, the job's page with its live parts, and its verbs."""

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from common import clock
from common.http import fragment_response
from common.limits import limited
from common.transitions import StaleMove
from common.words import plural
from credit.errors import BudgetReached, InsufficientCredit
from rendering import presentation, retention, services
from rendering.again import selection_of
from rendering.choices import Again
from rendering.errors import RenderingError
from rendering.forms import CapForm, JobFilterForm
from rendering.models import Film, Job
from rendering.services.watching import share_job
from rendering.verb_forms import RequeueForm, ShareForm

JOBS_SHOWN = 20
SHARED = {
    "": "Private again. The old link leads nowhere.",
    "unlisted": "Whoever has the link can watch.",
    "public": "Public: whoever finds the link can watch.",
}
NONE_ENDED = "None of these frames can be rendered once more: they are not of this job, or still under way."

# Live parts of the job's page: each is one element, one partial of job_detail.html and one reader of rows.
PARTS = {
    "strip": presentation.strip_part,  # first: it reads the frames that others name
    "head": presentation.head_part,
    "download": presentation.head_part,
    "notice": presentation.head_part,
    "stats": presentation.stats_part,
    "newest": presentation.newest_part,
    "chart": presentation.chart_part,
    "nodes": presentation.nodes_part,
    "film": presentation.film_part,
    "events": presentation.events_part,
}


def visible_job(request: HttpRequest, pk: int, **more) -> Job:
    """The job, if this viewer may see it; staff see all. 404 otherwise. `more`: annotations."""
    jobs = Job.objects.visible_to(request.user).select_related("scene", "owner", "watch_link").annotate(**more)
    return get_object_or_404(jobs, pk=pk)


def own_job(request: HttpRequest, pk: int) -> Job:
    """The job, for its creator's verbs; operators act through the admin and the command line."""
    return get_object_or_404(Job.objects.owned_by(request.user).select_related("scene", "owner"), pk=pk)


@login_required
@require_GET
def job_list(request: HttpRequest) -> HttpResponse:
    """The creator's jobs; the rows alone for live refreshes (?rows=1)."""
    filters = JobFilterForm(request.GET)
    jobs = Job.objects.owned_by(request.user)
    context = list_context(request, filters, jobs)
    if request.GET.get("rows"):
        return fragment_response(request, "rendering/job_list.html#rows", context)
    return render(request, "rendering/job_list.html", context)


def list_context(request: HttpRequest, filters: JobFilterForm, jobs) -> dict:
    words, status = filters.chosen("q"), filters.chosen("status")
    found = jobs.matching(words).select_related("scene").order_by(filters.order, "-id")
    found = found.filter(status=status) if status else found
    page = Paginator(found, JOBS_SHOWN).get_page(request.GET.get("page"))
    query = {name: filters.chosen(name) for name in ("q", "status", "sort") if filters.chosen(name)}
    return {
        "filters": filters,
        "page": page,
        "rows": presentation.rows_of(list(page), now=clock.now()),
        "query": urlencode(query),
        "is_filtered": bool(words or status),
        "any_jobs": bool(page.paginator.count) or jobs.exists(),
        "ending": not request.GET.get("rows") and retention.jobs_ending(request.user, clock.now()).count(),
    }


@login_required
@require_GET
def job_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The job's page; a job that is not submitted yet has its settings page instead."""
    job = visible_job(request, pk, has_film=Exists(Film.objects.filter(job=OuterRef("pk"))))
    if job.submitted_at is None:
        return redirect("rendering:job-settings", pk=job.pk)
    reading = presentation.Reading(job, clock.now())
    context = {"is_owner": job.owner_id == request.user.pk}
    for part in dict.fromkeys(PARTS.values()):  # head, download and notice have one reader
        context |= part(reading, **part_arguments(request, part))
    context |= presentation.details_part(reading) | presentation.sharing_part(job) | {"reasons": Again.choices}
    return render(request, "rendering/job_detail.html", context)


@login_required
@require_GET
def job_part(request: HttpRequest, pk: int, part: str) -> HttpResponse:
    """One live element again, 304 while it is the same."""
    if part not in PARTS:
        raise Http404
    job, reader = visible_job(request, pk), PARTS[part]
    reading = presentation.Reading(job, clock.now())
    context = reader(reading, **part_arguments(request, reader)) | {"is_owner": job.owner_id == request.user.pk}
    return fragment_response(request, f"rendering/job_detail.html#{part}", context)


def part_arguments(request: HttpRequest, reader) -> dict:
    """The grid has windows, the timeline pages."""
    if reader is presentation.strip_part:
        return {"page": request.GET.get("page"), "frame": request.GET.get("frame")}
    return {"before": request.GET.get("before")} if reader is presentation.events_part else {}


@login_required
@require_GET
def job_times(request: HttpRequest, pk: int) -> HttpResponse:
    """The chart of seconds per frame, in numbers."""
    reading = presentation.Reading(visible_job(request, pk), clock.now())
    return render(request, "rendering/job_times.html", presentation.chart_part(reading))


@login_required
@require_GET
@limited("again-price", limit=240, seconds=60, method="GET")
def job_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Which frames to render once more, and what it costs, before it is confirmed; the price alone for the dialog (?price=1)."""
    job = own_job(request, pk)
    form = RequeueForm(request.GET if "which" in request.GET else {"which": "failed"})
    chosen = selection_of(job, **frames_of(form)) if form.is_valid() else None
    context = {"job": job, "form": form, "chosen": chosen, "reasons": Again.choices}
    if request.GET.get("price"):
        return fragment_response(request, "rendering/job_again.html#price", context)
    return render(request, "rendering/job_again.html", context)


def frames_of(form: RequeueForm) -> dict:
    """What the form chose, as rendering.again takes it."""
    return {"which": form.cleaned_data["which"], "numbers": form.cleaned_data.get("numbers")}


# Verbs ----------------------------------------------------------------------------------------------------------------


def act(request: HttpRequest, job: Job, verb, *arguments, done: str = "", **named) -> HttpResponse:
    """Call one service for the job and return to its page with the outcome in words."""
    try:
        verb(job, *arguments, now=clock.now(), **named)
    except StaleMove:
        messages.warning(request, "The job had already moved on; here is how it stands now.")
    except BudgetReached as error:
        messages.error(request, error.words)
    except InsufficientCredit:
        messages.error(request, "Your available credit does not cover the next frame. Top up, then try again.")
    except RenderingError as error:
        messages.error(request, str(error))
    else:
        if done:
            messages.success(request, done)
    return redirect(job)


@login_required
@require_POST
def job_pause(request: HttpRequest, pk: int) -> HttpResponse:
    return act(
        request,
        own_job(request, pk),
        services.pause_job,
        actor=request.user,
        done="Paused. Frames on nodes are finished and charged; no other begins until you resume.",
    )


@login_required
@require_POST
def job_resume(request: HttpRequest, pk: int) -> HttpResponse:
    return act(request, own_job(request, pk), services.resume_job, actor=request.user, done="Resumed.")


@login_required
@require_POST
def job_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    done = (
        "Cancelled. Accepted frames stay yours; frames under way are paid for their seconds so far, the rest is in your credit."
    )
    return act(request, own_job(request, pk), services.cancel_job, actor=request.user, done=done)


@login_required
@require_POST
@limited("again", limit=60, seconds=600)
def job_requeue(request: HttpRequest, pk: int) -> HttpResponse:
    """Render failed frames, or chosen ones, once more; for a reason, if one was given."""
    job = own_job(request, pk)
    form = RequeueForm(request.POST)
    if not form.is_valid():
        return back_with_errors(request, job, form)
    task_ids = selection_of(job, **frames_of(form)).task_ids
    if not task_ids:
        none_fits = "No frame of this job has failed." if form.cleaned_data["which"] == "failed" else NONE_ENDED
        messages.warning(request, none_fits)
        return redirect(job)
    why, words = form.cleaned_data["why"], form.cleaned_data["words"]
    done = f"{plural(len(task_ids), 'frame')} back in the queue."
    reason = f"again_{why}" if why else ""
    return act(request, job, services.requeue_tasks, task_ids, actor=request.user, done=done, reason=reason, detail=words)


@login_required
@require_POST
def job_approve(request: HttpRequest, pk: int) -> HttpResponse:
    """The preview is as it should be: render the rest."""
    done = "Approved. The other frames are rendered now."
    return act(request, own_job(request, pk), services.approve_preview, actor=request.user, done=done)


@login_required
@require_POST
@limited("share", limit=60, seconds=600)
def job_share(request: HttpRequest, pk: int) -> HttpResponse:
    """Who may watch the job without signing in."""
    job, form = own_job(request, pk), ShareForm(request.POST)
    if not form.is_valid():
        return back_with_errors(request, job, form)
    link = share_job(job, form.cleaned_data["visibility"], anew=form.cleaned_data["anew"])
    messages.success(request, SHARED[link.visibility if link else ""])
    return redirect(job.get_absolute_url() + "#job-share")


@login_required
@require_POST
def job_raise_cap(request: HttpRequest, pk: int) -> HttpResponse:
    job = own_job(request, pk)
    form = CapForm(job, request.POST)
    if not form.is_valid():
        return back_with_errors(request, job, form)
    cap_micros = form.cleaned_data["cap"]
    return act(request, job, services.raise_cap, cap_micros, actor=request.user, done="The cap is changed.")


def back_with_errors(request: HttpRequest, job: Job, form) -> HttpResponse:
    for problem in [words for errors in form.errors.values() for words in errors]:
        messages.error(request, problem)
    return redirect(job)
