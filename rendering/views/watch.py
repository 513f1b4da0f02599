"""A job as others may watch it: no sign-in, no cost, no names; the address is the permission, and can be taken back."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from common import clock
from common.http import fragment_response
from common.limits import limited
from rendering import presentation
from rendering.models import MergedFrame, Output, WatchLink
from rendering.presentation import addresses
from rendering.views.downloads import KEYS, picture, tile_asked

PARTS = {"progress", "newest", "strip"}
SIZES = {"thumb", "preview"}  # the full frame is its creator's
PAGES_A_MINUTE = 600  # of one address, or one person: parts of a page that follows a fast job; also what guessing may cost us
PICTURES_A_MINUTE = 6_000  # a grid of thumbnails comes at once

paged = limited("watch", limit=PAGES_A_MINUTE, seconds=60, method="GET")


def open_link(token: str) -> WatchLink:
    """The link, while it stands."""
    return get_object_or_404(WatchLink.objects.select_related("job__scene"), token=token)


def unlisted(response: HttpResponse) -> HttpResponse:
    """Not for search engines; and the address must not travel in a Referer."""
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_GET
@paged
def watch(request: HttpRequest, token: str) -> HttpResponse:
    link = open_link(token)
    reading = presentation.Reading(link.job, clock.now())
    context = presentation.watch_part(reading, link, page=request.GET.get("page"))
    return unlisted(render(request, "rendering/watch.html", context))


@require_GET
@paged
def watch_part(request: HttpRequest, token: str, part: str) -> HttpResponse:
    if part not in PARTS:
        raise Http404
    link = open_link(token)
    reading = presentation.Reading(link.job, clock.now())
    context = presentation.watch_part(reading, link, page=request.GET.get("page"))
    return unlisted(fragment_response(request, f"rendering/watch.html#{part}", context))


@require_GET
@paged
def watch_frame(request: HttpRequest, token: str, frame: int) -> HttpResponse:
    """One frame at preview size, with the ones beside it."""
    link = open_link(token)
    task = get_object_or_404(link.job.tasks, frame=frame, tile__lte=1)  # of a frame in tiles, the first stands for all
    where = addresses.of_watch_link(link)
    context = {"link": link, "job": link.job, "task": task, "src": "", **presentation.neighbours(task, where)}
    if shown_output(link, frame):
        context["src"] = where.image(frame, "preview", task.attempt)
    return unlisted(render(request, "rendering/watch_frame.html", context))


@require_GET
@limited("watch-picture", limit=PICTURES_A_MINUTE, seconds=60, method="GET")
def watch_image(request: HttpRequest, token: str, frame: int, size: str) -> HttpResponse:
    link = open_link(token)
    output = shown_output(link, frame, tile_asked(request)) if size in SIZES else None
    if output is None:
        raise Http404
    return unlisted(picture(getattr(output, KEYS[size]), keep="v" in request.GET))


def shown_output(link: WatchLink, frame: int, tile: int = 0) -> Output | MergedFrame | None:
    if link.job.tiles and not tile:
        return (
            MergedFrame.objects.filter(job=link.job).exclude(preview_key="").first() if frame == link.job.still_frame else None
        )
    current = Output.objects.current().filter(attempt__task__job=link.job, attempt__task__frame=frame, attempt__task__tile=tile)
    return current.exclude(preview_key="").first()
