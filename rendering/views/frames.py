"""One frame of a job: its page with proof and attempts, its pictures at chosen exposures, and what its renderer says."""

from pathlib import PurePosixPath

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from common.http import fragment_response
from common.limits import caller, is_within, too_many
from rendering import presentation
from rendering.archives import member_name
from rendering.file_names import stem_of
from rendering.models import Attempt, Job, Output, Task
from rendering.presentation import addresses, suffix_of
from rendering.views.downloads import KEYS, picture, tile_asked
from rendering.views.jobs import visible_job

PARTS = {"facts", "stage"}
EXPOSURES_A_MINUTE = 60  # made for one person


def visible_task(request: HttpRequest, pk: int, frame: int) -> Task:
    """The job's frame, if this viewer may see the job."""
    job = visible_job(request, pk)
    task = get_object_or_404(job.tasks, frame=frame, tile=tile_asked(request))
    task.job = job
    return task


def visible_attempt(request: HttpRequest, pk: int, frame: int, number: int) -> Attempt:
    task = visible_task(request, pk, frame)
    attempt = get_object_or_404(task.attempts, number=number)
    attempt.task = task
    return attempt


@login_required
@require_GET
def frame_detail(request: HttpRequest, pk: int, frame: int) -> HttpResponse:
    """Picture and proof of one frame; one part of the page alone for the viewer and for live refreshes (?part=facts)."""
    job = visible_job(request, pk)
    if job.tiles:
        return frame_in_tiles(request, job, frame)
    task = visible_task(request, pk, frame)
    context = presentation.frame_part(task, addresses.of_job(task.job), asked=request.GET.get("attempt"))
    context |= {"is_owner": task.job.owner_id == request.user.pk, "exposure": stops_asked(request)}
    part = request.GET.get("part")
    if part in PARTS:
        return fragment_response(request, f"rendering/frame_detail.html#{part}", context)
    newest = context["tries"][0].attempt if context["tries"] else None
    context |= {"attempt": newest, "log": presentation.live_log(with_task(newest, task)) if newest else ""}
    return render(request, "rendering/frame_detail.html", context)


def frame_in_tiles(request: HttpRequest, job: Job, frame: int) -> HttpResponse:
    """The frame as far as it has grown, and which node rendered which part (?part=tiles for live refreshes)."""
    if frame != job.still_frame:
        raise Http404
    context = presentation.tiles_part(job, addresses.of_job(job)) | {"frame": frame}
    if request.GET.get("part"):
        return fragment_response(request, "rendering/frame_tiles.html#tiles", context)
    return render(request, "rendering/frame_tiles.html", context)


def with_task(attempt: Attempt, task: Task) -> Attempt:
    attempt.task = task
    return attempt


def stops_asked(request: HttpRequest) -> int:
    """Exposure in the address; nonsense means none."""
    from rendering import exposures  # 20 MB that a web process does without until somebody looks at a frame

    text = request.GET.get("stops", "0")
    known = {str(stops): stops for stops in exposures.STOPS} | {f"+{stops}": stops for stops in exposures.STOPS}
    return known.get(text, 0)


@login_required
@require_GET
def attempt_image(request: HttpRequest, pk: int, frame: int, number: int, size: str) -> HttpResponse:
    """The picture of one attempt: "thumb" and "preview", or "full" as rendered if it was accepted and charged."""
    attempt = visible_attempt(request, pk, frame, number)
    output = get_object_or_404(Output, attempt=attempt)
    if size not in KEYS or (size == "full" and attempt.outcome != "accepted"):
        raise Http404
    if size != "full":
        return picture(getattr(output, KEYS[size]), keep=True)
    response = picture(output.storage_key, keep=True)
    name = PurePosixPath(member_name(attempt.task.job, frame, output.storage_key, attempt.task.tile)).name
    response["Content-Disposition"] = content_disposition_header("inline" not in request.GET, name)
    return response


@login_required
@require_GET
def attempt_exposure(request: HttpRequest, pk: int, frame: int, number: int, stops: int) -> HttpResponse:
    """The preview of an EXR at so many stops above or below, made when first asked for."""
    from rendering import exposures

    attempt = visible_attempt(request, pk, frame, number)
    output = get_object_or_404(Output.objects.exclude(preview_key=""), attempt=attempt)
    if stops not in exposures.STOPS or suffix_of(attempt.task.job) != "exr":
        raise Http404
    if not is_within("exposure", caller(request), limit=EXPOSURES_A_MINUTE, seconds=60):
        return too_many(request, 60)
    try:
        return picture(exposures.exposed_key(output, stops), keep=True)
    except exposures.NotReadable as error:
        raise Http404(str(error)) from error


@login_required
@require_GET
def attempt_log(request: HttpRequest, pk: int, frame: int, number: int) -> HttpResponse:
    """What the renderer of an attempt says; as a text file with ?text=1."""
    attempt = visible_attempt(request, pk, frame, number)
    log = presentation.live_log(attempt)
    if request.GET.get("text"):
        return text_file(log, f"{stem_of(attempt.task.job)}_{frame:04d}_attempt_{number}.log.txt")
    context = {"job": attempt.task.job, "task": attempt.task, "attempt": attempt, "log": log}
    return fragment_response(request, "rendering/frame_detail.html#log", context)


def text_file(text: str, name: str) -> HttpResponse:
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, name)
    response["Cache-Control"] = "private, no-store"
    return response
