"""Signing in and out, and one's own profile."""

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.limits import limited
from pictor_agent import engines
from pictor_agent.engines import blender_versions
from users.forms import ProfileForm
from users.personas import PERSONAS, persona_user
from users.sessions import places_of

BACKEND = "django.contrib.auth.backends.ModelBackend"


@require_safe
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """The ways in, and what the network renders."""
    if request.user.is_authenticated:
        return redirect(next_page(request, settings.LOGIN_REDIRECT_URL))
    context = {
        "google_enabled": bool(settings.GOOGLE_CLIENT_ID),
        "aptos_network": aptos_network(),
        "personas": list(PERSONAS.values()) if settings.DEMO else [],
        "next": next_page(request, ""),
        "offer": what_renders(),
    }
    return render(request, "users/sign_in.html", context)


def aptos_network() -> str:
    """The network that Aptos wallets must be on, in a word; empty where they are not offered."""
    return settings.APTOS_CHAIN_NAME.partition(":")[2] if settings.APTOS_NODE_URL else ""


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


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Name, e-mail, ways to sign in, and where one is signed in."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your name is saved.")
        return redirect("users:profile")
    context = {"form": form, "places": places_of(request), "logins": request.user.socialaccount_set.all()}
    return render(request, "users/profile.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def session_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign out one of one's other browsers."""
    session = get_object_or_404(UserSession, pk=pk, user=request.user)
    session.end()
    messages.success(request, "That browser is signed out.")
    return redirect("users:profile")
