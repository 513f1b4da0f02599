"""A new job begins with a file: a resumable upload from the page's script, or one plain form without it."""

import json
from io import BytesIO

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from common.limits import is_within
from common.resumable import OffsetMismatch, TooLarge
from rendering import services, uploads
from rendering.errors import RenderingError
from rendering.forms import UploadForm
from rendering.models import Job, Upload
from rendering.uploads import UnfitUpload

CHUNK_BYTES = 8 * 1024**2  # what the page's script sends at once
UPLOADS_PER_HOUR = 120
TOO_MANY = "That are many uploads within an hour. Wait a little, then try again."


@login_required
@require_http_methods(["GET", "POST"])
def job_new(request: HttpRequest) -> HttpResponse:
    """The upload page; POST takes the file as one plain form."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(receive_whole(request.user, form.cleaned_data["file"]))
        except (UnfitUpload, RenderingError) as error:
            form.add_error("file", str(error))
    unfinished = Job.objects.owned_by(request.user).unsubmitted().select_related("scene")[:3]
    context = {"form": form, "limit_bytes": settings.UPLOAD_BYTES_MAX, "chunk_bytes": CHUNK_BYTES, "unfinished": unfinished}
    return render(request, "rendering/job_new.html", context, status=422 if form.errors else 200)


def may_upload(owner) -> bool:
    """Counts this one."""
    return is_within("upload", str(owner.pk), limit=UPLOADS_PER_HOUR, seconds=3_600)


def receive_whole(owner, file) -> Job:
    """The job for a file that came in one request; it is appended in the same chunks."""
    if not may_upload(owner):
        raise UnfitUpload(TOO_MANY)
    upload = uploads.start_upload(owner=owner, name=file.name, size_bytes=file.size)
    for chunk in file.chunks(CHUNK_BYTES):
        uploads.append_to_upload(upload, offset=upload.received_bytes, stream=BytesIO(chunk))
    return services.create_job_from_upload(upload)


@login_required
@require_POST
def upload_create(request: HttpRequest) -> HttpResponse:
    """JSON {name, size_bytes} -> {url}: where the chunks go."""
    if not may_upload(request.user):
        return refused(TOO_MANY, status=429)
    try:
        wanted = json.loads(request.body)
        name, size_bytes = str(wanted["name"]), int(wanted["size_bytes"])
    except (ValueError, KeyError, TypeError, OverflowError):
        return refused("The request is not a name and a size in bytes.", status=400)
    try:
        upload = uploads.start_upload(owner=request.user, name=name, size_bytes=size_bytes)
    except UnfitUpload as error:
        return refused(str(error), status=422)
    return JsonResponse({"url": reverse("rendering:upload-chunk", args=[upload.pk]), "chunk_bytes": CHUNK_BYTES}, status=201)


@login_required
@require_http_methods(["HEAD", "PATCH"])
def upload_chunk(request: HttpRequest, pk) -> HttpResponse:
    """HEAD says how much has arrived; PATCH appends at Upload-Offset; the last byte makes a job of it."""
    upload = get_object_or_404(Upload, pk=pk, owner=request.user)
    finished = Job.objects.filter(scene__upload=upload).first()
    if finished:  # the answer to the last byte was lost on its way
        return _job_answer(finished)
    if request.method == "HEAD":
        return _offset_answer(HttpResponse(), uploads.offset_of(upload), upload)
    return append(request, upload)


def append(request: HttpRequest, upload: Upload) -> HttpResponse:
    try:
        offset = int(request.headers.get("Upload-Offset", ""))
        reached = uploads.append_to_upload(upload, offset=offset, stream=request)
    except ValueError:
        return refused("Upload-Offset is missing or not a number.", status=400)
    except OffsetMismatch as error:
        return _offset_answer(refused("The file ends elsewhere.", status=409), error.offset, upload)
    except TooLarge as error:
        return refused(str(error), status=413)
    if reached < upload.size_bytes:
        return _offset_answer(HttpResponse(status=204), reached, upload)
    return finish(request, upload)


def finish(request: HttpRequest, upload: Upload) -> HttpResponse:
    """Everything has arrived: a job, or the reason why none can be made of it."""
    try:
        return _job_answer(services.create_job_from_upload(upload))
    except (UnfitUpload, RenderingError) as error:
        return refused(str(error), status=422)


def _job_answer(job: Job) -> HttpResponse:
    """Where the job's page is; also as a header, because an answer to HEAD has no body."""
    response = JsonResponse({"job_url": job.get_absolute_url()})
    response["Job-Url"] = job.get_absolute_url()
    return response


def _offset_answer(response: HttpResponse, offset: int, upload: Upload) -> HttpResponse:
    response["Upload-Offset"] = str(offset)
    response["Upload-Length"] = str(upload.size_bytes)
    response["Cache-Control"] = "no-store"
    return response


def refused(words: str, *, status: int) -> JsonResponse:
    return JsonResponse({"error": words}, status=status)
