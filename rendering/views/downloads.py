"""Pictures and files of a job: thumbnails, single frames, all of them as a zip, and as a film."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import NamedTuple

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import content_disposition_header, quote_etag
from django.views.decorators.http import require_GET, require_POST

from common import clock
from common.limits import limited
from rendering import archives, checksums, services
from rendering.choices import FilmFormat
from rendering.errors import RenderingError
from rendering.file_names import stem_of
from rendering.forms import FilmForm
from rendering.models import Film, Job, MergedFrame, Output
from rendering.splitting import BadFrames, parse_frames
from rendering.views.jobs import own_job, visible_job
from workers.transfers import blocks

KEEP = "private, max-age=86400, immutable"  # an address with ?v= never changes its picture
ASK = "private, no-cache"
KEYS = {"thumb": "thumbnail_key", "preview": "preview_key", "full": "storage_key"}
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
TYPES = {"webp": "image/webp", "png": "image/png", "jpg": "image/jpeg", "exr": "image/x-exr"}


@login_required
@require_GET
def task_image(request: HttpRequest, pk: int, frame: int, size: str) -> HttpResponse:
    """One frame: "thumb" and "preview" as WebP; "full" as rendered, for download, once it is accepted and charged."""
    if size not in KEYS:
        raise Http404
    job = visible_job(request, pk)
    output = shown_picture(job, frame, tile_asked(request), KEYS[size])
    response = picture(getattr(output, KEYS[size]), keep="v" in request.GET)
    if size == "full":
        name = PurePosixPath(archives.member_name(job, frame, output.storage_key, tile_asked(request))).name
        response["Content-Disposition"] = content_disposition_header("inline" not in request.GET, name)
    return response


def shown_picture(job: Job, frame: int, tile: int, key: str) -> Output | MergedFrame:
    """Whose file `key` is shown: the frame's, a tile's, or the frame that was put together from tiles; 404 without one."""
    if job.tiles and not tile:
        merged = MergedFrame.objects.filter(job=job).exclude(storage_key="").first()
        if merged and frame == job.still_frame:
            return merged
        tile = newest_tile(job) if key != "storage_key" else 0
    full = key == "storage_key"
    shown = Output.objects.accepted_of(job.pk) if full else Output.objects.current().filter(attempt__task__job=job)
    return get_object_or_404(shown, attempt__task__frame=frame, attempt__task__tile=tile)


def tile_asked(request: HttpRequest) -> int:
    """?tile=3 in the address; nonsense means the whole frame."""
    text = request.GET.get("tile", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def newest_tile(job: Job) -> int:
    """The one that is shown for a frame of which there is no more yet."""
    newest = Output.objects.current().filter(attempt__task__job=job).exclude(preview_key="").order_by("-id")
    return newest.values_list("attempt__task__tile", flat=True).first() or 0


@login_required
@require_GET
def job_thumbnail(request: HttpRequest, pk: int) -> HttpResponse:
    """A small picture for lists: the newest frame, else what the file itself carries."""
    job = visible_job(request, pk)
    merged = MergedFrame.objects.filter(job=job).exclude(thumbnail_key="").first() if job.tiles else None
    newest = merged or Output.objects.current().filter(attempt__task__job=job).exclude(thumbnail_key="").order_by("-id").first()
    return picture(newest.thumbnail_key if newest else job.scene.inspection.get("thumbnail_key", ""), keep=False)


def picture(storage_key: str, *, keep: bool) -> FileResponse:
    """A stored file as it is; 404 while it does not exist."""
    if not storage_key or not default_storage.exists(storage_key):
        raise Http404
    suffix = PurePosixPath(storage_key).suffix.lstrip(".")
    response = FileResponse(default_storage.open(storage_key), content_type=TYPES.get(suffix, "application/octet-stream"))
    response["Cache-Control"] = KEEP if keep else ASK
    return response


@login_required
@require_GET
@limited("zip", limit=60, seconds=600, method="GET")
def job_zip(request: HttpRequest, pk: int) -> HttpResponse:
    """Paid frames in one archive, all or ?frames=1-10,20, streamed while it is made; its length is told before.

    A download that was cut goes on at any byte, as long as the archive would still be the same.
    """
    job = visible_job(request, pk)
    try:
        chosen = set(parse_frames(request.GET["frames"])) if request.GET.get("frames") else None
    except BadFrames as error:
        messages.error(request, str(error))
        return redirect(job)
    entries = archives.entries_of(job, chosen)
    if not entries:
        raise Http404
    if "Range" in request.headers:
        checksums.ask_where_missing(job, [entry.crc32 for entry in entries])
    source = Source(archives.tag_of(entries), archives.zip_bytes(entries), partial(archives.iter_span, entries))
    response = ranged(request, source, content_type="application/zip")
    response["Content-Disposition"] = content_disposition_header(True, f"{stem_of(job)}_frames.zip")
    response["Cache-Control"] = ASK
    return response


@login_required
@require_POST
@limited("film", limit=30, seconds=600)
def job_film(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin to assemble a film from the accepted frames."""
    job = own_job(request, pk)
    form = FilmForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose 1 to 120 frames per second.")
        return redirect(job)
    try:
        services.start_film(job, form.cleaned_data["fps"], form.cleaned_data["format"] or FilmFormat.MP4)
    except RenderingError as error:
        messages.error(request, str(error))
    return redirect(job.get_absolute_url() + "#job-film")


@login_required
@require_POST
def film_cancel(request: HttpRequest, pk: int, film_pk: int) -> HttpResponse:
    job = own_job(request, pk)
    if not services.cancel_film(get_object_or_404(Film, job=job, pk=film_pk), clock.now()):
        messages.warning(request, "The film was finished already.")
    return redirect(job.get_absolute_url() + "#job-film")


@login_required
@require_GET
def film_download(request: HttpRequest, pk: int, film_pk: int) -> HttpResponse:
    """The film, also in ranges: players jump, and a download goes on where it stopped."""
    job = visible_job(request, pk)
    film = get_object_or_404(Film.objects.filter(job=job).exclude(storage_key=""), pk=film_pk)
    response = ranged(request, stored(film.storage_key), content_type=f"video/{film.format}")
    response["Content-Disposition"] = content_disposition_header("inline" not in request.GET, f"{stem_of(job)}.{film.format}")
    response["Cache-Control"] = ASK
    return response


class Source(NamedTuple):
    """What can be sent in ranges. `tag`: another one, other bytes; `read`: from a byte up to one that is not included."""

    tag: str
    size_bytes: int
    read: Callable[[int, int], Iterator[bytes]]


def stored(storage_key: str) -> Source:
    """A file as it lies in the store, where nothing is overwritten: its key tells it from every other."""

    def read(start: int, end: int) -> Iterator[bytes]:
        return blocks(storage_key, start=start, length=end - start)

    return Source(blake2b(storage_key.encode(), digest_size=16).hexdigest(), default_storage.size(storage_key), read)


def ranged(request: HttpRequest, source: Source, *, content_type: str) -> HttpResponse:
    """All of it, or the one range that was asked for; all again when it is no longer what the rest was asked of (If-Range)."""
    size, etag = source.size_bytes, quote_etag(source.tag)
    is_same = request.headers.get("If-Range", etag) == etag
    start, end = span_of(request.headers.get("Range", "") if is_same else "", size)
    if start >= end:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    response = StreamingHttpResponse(source.read(start, end), content_type=content_type)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag
    response["Content-Length"] = str(end - start)
    if end - start < size:
        response.status_code = 206
        response["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return response


def span_of(text: str, size: int) -> tuple[int, int]:
    """First byte and the one after the last of "bytes=5-9", "bytes=5-" or "bytes=-5"; all of it for anything else."""
    match = RANGE.fullmatch(text)
    if not match or match[0] == "bytes=-":
        return 0, size
    if not match[1]:
        return max(0, size - int(match[2])), size
    return int(match[1]), min(size, int(match[2]) + 1) if match[2] else size
