"""How to install the agent, for anybody: the page, the wheel, the unit for systemd, and what an image is made from. None of it is secret."""

import base64

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import condition, require_safe

from workers import agent_image, agent_wheel, installing


@require_safe
def agent_install(request: HttpRequest) -> HttpResponse:
    return render(request, "workers/agent_install.html", installing.words())


def _etag(request: HttpRequest, name: str) -> str | None:
    wheel = agent_wheel.offered()
    return f'"{wheel.sha256}"' if name == wheel.name else None


@require_safe
@condition(etag_func=_etag)
def agent_wheel_file(request: HttpRequest, name: str) -> HttpResponse:
    """The present wheel; a name of another version is not found, so that nobody installs what does not fit."""
    wheel = agent_wheel.offered()
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
    return HttpResponse(agent_image.archive(), content_type="application/gzip", headers=headers)
