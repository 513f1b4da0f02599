"""A new job begins with files: sent in parts by the page's script, or one plain form without it."""

import json
from io import BytesIO

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from common.limits import is_within
from common.resumable import OffsetMismatch, TooLarge
from rendering import quotas, scenes, services, uploads
from rendering.errors import RenderingError, UnfitUpload
from rendering.forms import UploadForm
from rendering.models import Job, Upload
from rendering.uploads import Announced

UPLOADS_PER_HOUR = 240  # going on after a cut counts too
TOO_MANY = "That are many uploads within an hour. Wait a little, then try again."


@login_required
@require_http_methods(["GET", "POST"])
def job_new(request: HttpRequest) -> HttpResponse:
    """The upload page; POST takes the file as one plain form."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(receive_whole(request.user, form.cleaned_data["file"]))
        except RenderingError as error:
            form.add_error("file", str(error))
    context = {"form": form, "limit_bytes": settings.UPLOAD_BYTES_MAX, "stored": quotas.stored(request.user)}
    context["uploads"] = [
        with_percent(upload) for upload in Upload.objects.unfinished(request.user).order_by("-touched_at")[:10]
    ]
    context["unfinished"] = Job.objects.owned_by(request.user).unsubmitted().select_related("scene")[:3]
    return render(request, "rendering/job_new.html", context, status=422 if form.errors else 200)


def with_percent(upload: Upload) -> Upload:
    upload.percent = uploads.received_bytes(upload) * 100 // max(1, upload.size_bytes)
    return upload


def may_upload(owner) -> bool:
    """Counts this one."""
    return is_within("upload", str(owner.pk), limit=UPLOADS_PER_HOUR, seconds=3_600)


def receive_whole(owner, file) -> Job:
    """The job for a file that came in one request; it is written in the same parts."""
    if not may_upload(owner):
        raise UnfitUpload(TOO_MANY)
    upload = uploads.start_upload(owner=owner, name=file.name, size_bytes=file.size)
    for part, block in enumerate(iter(lambda: file.read(uploads.PART_BYTES), b"")):
        uploads.append_to_upload(upload, part=part, offset=0, stream=BytesIO(block))
    try:
        return services.create_job_from_upload(upload)
    except RenderingError:
        uploads.forget_upload(upload)
        raise


@login_required
@require_POST
def upload_create(request: HttpRequest) -> HttpResponse:
    """JSON {files: [[path, size in bytes, sha256], ...], main} -> where the parts of unknown files go."""
    if not may_upload(request.user):
        return refused(TOO_MANY, status=429)
    try:
        files, main = announced_in(request.body)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return refused("The request is not a list of files with size and hash.", status=400)
    try:
        upload = uploads.begin_upload(request.user, files, main=main)
    except UnfitUpload as error:
        return refused(str(error), status=422)
    return JsonResponse(state_of(upload), status=201)


def announced_in(body: bytes) -> tuple[list[Announced], str]:
    wanted = json.loads(body)
    files = [Announced(str(path), int(size), str(sha256).lower()) for path, size, sha256 in wanted["files"]]
    if not files:
        raise ValueError("nothing")
    return files, str(wanted.get("main", ""))


def state_of(upload: Upload) -> dict:
    """What is to be sent and what has arrived, for the page's script."""
    offsets: dict[int, dict[int, int]] = {}
    for (file, part), offset in uploads.arrived(upload).items():
        offsets.setdefault(file, {})[part] = offset
    wanted = [
        {"path": file.path, "number": number, "parts": offsets.get(number, {})}
        for number, file in enumerate(uploads.files_of(upload))
        if not file.is_here
    ]
    url = reverse("rendering:upload-state", args=[upload.pk])
    return {"url": url, "part_bytes": uploads.PART_BYTES, "send": wanted}


@login_required
@require_GET
def upload_state(request: HttpRequest, pk) -> HttpResponse:
    made = made_earlier(request, pk)
    response = JsonResponse(made or state_of(own_upload(request, pk)))
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_http_methods(["PATCH"])
def upload_part(request: HttpRequest, pk, file: int, part: int) -> HttpResponse:
    """Append at Upload-Offset of this part; 409 tells where it really ends."""
    upload = own_upload(request, pk)
    try:
        offset = int(request.headers.get("Upload-Offset", ""))
        reached = uploads.append_to_upload(upload, file=file, part=part, offset=offset, stream=request)
    except ValueError:
        return refused("Upload-Offset is missing or not a number.", status=400)
    except OffsetMismatch as error:
        return with_offset(refused("The part ends elsewhere.", status=409), error.offset)
    except TooLarge as error:
        return refused(str(error), status=413)
    except UnreadablePostError:
        return refused("The line broke; what arrived is kept.", status=400)
    return with_offset(HttpResponse(status=204), reached)


@login_required
@require_POST
def upload_finish(request: HttpRequest, pk) -> HttpResponse:
    """Everything has arrived: a job, or the reason why none can be made of it. Asking again gives the same job."""
    made = made_earlier(request, pk)
    if made:
        return JsonResponse(made)
    upload = own_upload(request, pk)
    if uploads.missing(upload):
        return JsonResponse(state_of(upload) | {"error": "Parts are missing."}, status=409)
    try:
        return JsonResponse(job_of(request, upload))
    except RenderingError as error:
        return refused(str(error), status=422)


def job_of(request: HttpRequest, upload: Upload) -> dict:
    """Raises RenderingError: no scene, which is forgotten at once, or a limit of the account, and the upload stays."""
    try:
        scenes.check_upload(upload)
    except UnfitUpload:
        uploads.forget_upload(upload)
        raise
    job = services.create_job_from_upload(upload)
    cache.set(made_key(request, upload.pk), job.get_absolute_url(), timeout=3_600)
    return {"job_url": job.get_absolute_url()}


def made_earlier(request: HttpRequest, pk) -> dict:
    """The job of an upload that is finished: the first answer may have been lost, or another tab was faster."""
    url = cache.get(made_key(request, pk))
    return {"job_url": url} if url else {}


def made_key(request: HttpRequest, pk) -> str:
    return f"upload-made:{request.user.pk}:{pk}"


@login_required
@require_POST
def upload_forget(request: HttpRequest, pk) -> HttpResponse:
    """Give an unfinished upload up: what arrived of it is deleted."""
    upload = get_object_or_404(Upload.objects.unfinished(request.user), pk=pk)
    uploads.forget_upload(upload)
    messages.success(request, f"{upload.name} is forgotten.")
    return redirect("rendering:job-new")


def own_upload(request: HttpRequest, pk) -> Upload:
    return get_object_or_404(Upload, pk=pk, owner=request.user)


def with_offset(response: HttpResponse, offset: int) -> HttpResponse:
    response["Upload-Offset"] = str(offset)
    response["Cache-Control"] = "no-store"
    return response


def refused(words: str, *, status: int) -> JsonResponse:
    return JsonResponse({"error": words}, status=status)
