"""Signing in and out."""

from django.conf import settings
from django.contrib.auth import login, logout
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.limits import limited
from pictor_agent import engines
from pictor_agent.engines import blender_versions
from users import google
from users.networks import networks
from users.personas import PERSONAS, persona_user

BACKEND = "django.contrib.auth.backends.ModelBackend"


@require_safe
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """The ways in, and what the network renders."""
    if request.user.is_authenticated:
        return redirect(next_page(request, settings.LOGIN_REDIRECT_URL))
    context = {
        "google_enabled": bool(settings.GOOGLE_CLIENT_ID),
        "wallet_first": not settings.GOOGLE_CLIENT_ID and not settings.DEMO,
        "networks": networks(),
        "personas": list(PERSONAS.values()) if settings.DEMO else [],
        "next": next_page(request, ""),
        "offer": what_renders(),
    }
    return render(request, "users/sign_in.html", context)


def what_renders() -> dict[str, list[str]]:
    """Labels from the registry: what works today and what is coming."""
    return {
        "versions": [version.label for version in engines.blender_versions_available()],
        "versions_coming": [version.label for version in blender_versions.ALL if version.status == "coming"],
        "engines": [engine.label for engine in engines.available()],
        "engines_coming": [engine.label for engine in engines.coming()],
        "software_coming": engines.software_coming(),
    }


def next_page(request: HttpRequest, otherwise: str, *, wanted: object = None) -> str:
    """Where the visitor was going, if that is a page of this site. `wanted`: instead of what the address or form says."""
    wanted = wanted or request.POST.get("next") or request.GET.get("next", "")
    if isinstance(wanted, str) and url_has_allowed_host_and_scheme(
        wanted, {request.get_host()}, require_https=request.is_secure()
    ):
        return wanted
    return resolve_url(otherwise) if otherwise else ""


@require_POST
@limited("persona", limit=30, seconds=60)
def persona_sign_in(request: HttpRequest) -> HttpResponse:
    """Become one of the demo's people; this address does not exist outside the demo."""
    persona = PERSONAS.get(request.POST.get("persona", ""))
    if not settings.DEMO or persona is None:
        raise Http404
    login(request, persona_user(persona.key, request), backend=BACKEND)
    return redirect(next_page(request, persona.start))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@require_POST
@limited("google", limit=30, seconds=60)
def google_sign_in(request: HttpRequest) -> HttpResponse:
    """To Google and back. What to do there is not the visitor's to say: linking and confirming have addresses of their own."""
    if not settings.GOOGLE_CLIENT_ID:
        raise Http404
    return google.go(request, process="login", then=next_page(request, ""))


@require_http_methods(["GET", "HEAD", "POST"])
def stage_leave(request: HttpRequest) -> HttpResponse:
    """allauth's "cancel" in the middle of signing in: forget what was half done. Who is signed in stays so."""
    if request.user.is_authenticated:
        return redirect("users:profile")
    if request.method == "POST":
        logout(request)
    return redirect("users:sign-in")
