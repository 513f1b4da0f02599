"""The creator's scenes: what is stored, how long it is kept, a new job of one, its deletion."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import date_format
from django.views.decorators.http import require_GET, require_POST

from common import clock
from common.limits import limited
from rendering import presentation, quotas, retention, services, uploads
from rendering.errors import RenderingError
from rendering.models import Scene
from rendering.views.downloads import picture
from rendering.views.jobs import own_job

SCENES_SHOWN = 20
FILES_SHOWN = 200
DELETED = "The scene is deleted. Its jobs stay in your list with what they cost."


@login_required
@require_GET
def scene_list(request: HttpRequest) -> HttpResponse:
    scenes = retention.scenes_with_end(Scene.objects.owned_by(request.user)).with_size().filter(upload=None)
    pages = Paginator(scenes.order_by("-last_used_at", "-pk"), SCENES_SHOWN)
    pages.count = Scene.objects.owned_by(request.user).kept().filter(upload=None).count()  # without the sums of each
    page = pages.get_page(request.GET.get("page"))
    now = clock.now()
    context = {"page": page, "stored": quotas.stored(request.user), "soon": now + retention.NOTICE}
    context["jobs_ending"] = list(retention.jobs_ending(request.user, now)[:10])
    return render(request, "rendering/scene_list.html", context)


@login_required
@require_GET
def scene_detail(request: HttpRequest, pk: int) -> HttpResponse:
    scenes = retention.scenes_with_end(Scene.objects.visible_to(request.user)).with_size()
    scene = get_object_or_404(scenes, pk=pk)
    files = scene.files.select_related("asset")
    blends = uploads.blends_of(list(files.values_list("path", flat=True)))
    context = {
        "scene": scene,
        "soon": clock.now() + retention.NOTICE,
        "is_owner": scene.owner_id == request.user.pk,
        "facts": presentation.stored_facts(scene),
        "found_rows": presentation.found_rows(scene.inspection) if scene.inspection else [],
        "files": files[:FILES_SHOWN],
        "files_more": max(0, scene.file_count - FILES_SHOWN),
        "blends": blends,
        "jobs": scene.jobs.order_by("-pk")[:20],
    }
    return render(request, "rendering/scene_detail.html", context)


def own_scene(request: HttpRequest, pk: int) -> Scene:
    return get_object_or_404(Scene.objects.owned_by(request.user).kept(), pk=pk)


@login_required
@require_GET
def scene_thumbnail(request: HttpRequest, pk: int) -> HttpResponse:
    scene = get_object_or_404(Scene.objects.visible_to(request.user).kept(), pk=pk)
    return picture(scene.inspection.get("thumbnail_key", ""), keep=False)


@login_required
@require_POST
@limited("scene-render", limit=60, seconds=600)
def scene_render(request: HttpRequest, pk: int) -> HttpResponse:
    """A new job of a scene that is here: nothing is sent."""
    scene = own_scene(request, pk)
    try:
        return redirect(services.render_scene(scene, request.POST.get("main", scene.main_path), clock.now()))
    except RenderingError as error:
        messages.error(request, str(error))
        return redirect("rendering:scene-detail", pk=pk)


@login_required
@require_POST
def scene_keep(request: HttpRequest, pk: int) -> HttpResponse:
    until = services.keep_scene(own_scene(request, pk), clock.now())
    messages.success(request, f"Kept until {date_format(until, 'j F Y')}, or longer while jobs use it.")
    return redirect("rendering:scene-detail", pk=pk)


@login_required
@require_POST
def scene_delete(request: HttpRequest, pk: int) -> HttpResponse:
    scene = own_scene(request, pk)
    with_frames = request.POST.get("frames") == "too"
    try:
        services.delete_scene(scene, clock.now(), actor=request.user, with_frames=with_frames)
    except RenderingError as error:
        messages.error(request, str(error))
        return redirect("rendering:scene-detail", pk=pk)
    messages.success(request, f"{DELETED} Their frames are deleted too." if with_frames else DELETED)
    return redirect("rendering:scene-list")


# Frames of a job ------------------------------------------------------------------------------------------------------


@login_required
@require_POST
def frames_keep(request: HttpRequest, pk: int) -> HttpResponse:
    job = own_job(request, pk)
    until = services.keep_frames(job, clock.now())
    messages.success(request, f"Frames and films are kept until {date_format(until, 'j F Y')}.")
    return redirect(job)


@login_required
@require_POST
def frames_delete(request: HttpRequest, pk: int) -> HttpResponse:
    job = own_job(request, pk)
    try:
        services.delete_frames(job, clock.now(), actor=request.user)
    except RenderingError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Frames and films are deleted. What the job was and cost stays.")
    return redirect(job)
