"""How to install the agent, for anybody: the page, the wheel, the unit for systemd, and what an image is made from. None of it is secret."""

import base64

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import condition, require_safe

from common import clock
from workers import agent_image, agent_wheel, installing, releases
from workers.enrolments import update_lines


@require_safe
def agent_install(request: HttpRequest) -> HttpResponse:
    try:
        return render(request, "workers/agent_install.html", installing.words() | {"update_lines": update_lines()})
    except agent_wheel.NotBuilt:
        return render(request, "workers/agent_install.html", {"not_built": True}, status=503)


@require_safe
def agent_release(request: HttpRequest) -> HttpResponse:
    """What nodes that update themselves ask for: the release of the wheel beside it, signed."""
    release = releases.offered(now=clock.now())
    if release is None:
        raise Http404
    response = HttpResponse(releases.signed(release), content_type="application/json")
    patch_cache_control(response, no_cache=True)
    return response


def _etag(request: HttpRequest, name: str) -> str | None:
    try:
        wheel = agent_wheel.offered()
    except agent_wheel.NotBuilt:
        return None
    return f'"{wheel.sha256}"' if name == wheel.name else None


def _not_built() -> HttpResponse:
    return HttpResponse("The agent cannot be built here at the moment; its operators' log says why.", status=503)


@require_safe
@condition(etag_func=_etag)
def agent_wheel_file(request: HttpRequest, name: str) -> HttpResponse:
    """The present wheel; a name of another version is not found, so that nobody installs what does not fit."""
    try:
        wheel = agent_wheel.offered()
    except agent_wheel.NotBuilt:
        return _not_built()
    if name != wheel.name:
        raise Http404
    response = HttpResponse(wheel.content, content_type="application/octet-stream")
    response["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(wheel.sha256)).decode()}:"
    patch_cache_control(response, public=True, max_age=300)
    return response


@require_safe
def agent_unit(request: HttpRequest) -> HttpResponse:
    """The unit of systemd, to be saved below ~/.config/systemd/user."""
    headers = {"Content-Disposition": 'attachment; filename="pictor-agent.service"'}
    return HttpResponse(agent_wheel.UNIT.read_text(), content_type="text/plain; charset=utf-8", headers=headers)


@require_safe
def agent_image_file(request: HttpRequest) -> HttpResponse:
    """The folder that `docker build` makes the agent's image from, packed."""
    headers = {"Content-Disposition": f'attachment; filename="{agent_image.NAME}.tar.gz"'}
    try:
        archive = agent_image.archive()
    except agent_wheel.NotBuilt:
        return _not_built()
    return HttpResponse(archive, content_type="application/gzip", headers=headers)
