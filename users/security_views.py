"""How one signs in: ways, second step, browsers, and what happened lately."""

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.views.decorators.http import require_POST, require_safe

from common import clock
from common.limits import limited
from users import fresh, google, methods, notices
from users.networks import networks
from users.notice_kinds import safety_kinds
from users.sessions import end_others, places_of
from users.tabs import tabs

EVENTS_SHOWN = 12


@login_required
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    """The page."""
    ways = methods.methods_of(request.user)
    context = {
        "methods": ways,
        "is_last": len(ways) == 1,
        "can_link_google": bool(settings.GOOGLE_CLIENT_ID) and all(way.provider != "google" for way in ways),
        "networks": networks(),
        "is_fresh": fresh.is_fresh(request),
        "confirm_url": fresh.confirm_url(request.path),
        "steps": steps_of(request.user),
        "places": places_of(request),
        "events": request.user.notices.listed().filter(kind__in=safety_kinds())[:EVENTS_SHOWN],
        "tabs": tabs(),
    }
    return render(request, "users/security.html", context)


def steps_of(user) -> dict:
    """The second step: the app's row, the passkeys', and how many recovery codes are unused."""
    rows = list(Authenticator.objects.filter(user=user).order_by("created_at"))
    app = next((row for row in rows if row.type == Authenticator.Type.TOTP), None)
    codes = next((row for row in rows if row.type == Authenticator.Type.RECOVERY_CODES), None)
    return {
        "app": app,
        "passkeys": [row for row in rows if row.type == Authenticator.Type.WEBAUTHN],
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else None,
    }


@login_required
@require_POST
@limited("unlink", limit=20, seconds=300)
@fresh.required(back="users:security")
def unlink(request: HttpRequest, pk: int) -> HttpResponse:
    """Take away a way to sign in; never the last."""
    try:
        gone = methods.unlink(user=request.user, pk=pk)
    except SocialAccount.DoesNotExist as error:
        raise Http404 from error
    except methods.LastMethod:
        messages.error(request, "That is the last way to sign in to this account. Link another one first.")
        return redirect("users:security")
    words = f"{gone.name} was unlinked ({gone.who})."
    notices.tell(user=request.user, kind="methods", words=words, now=clock.now(), request=request)
    messages.success(request, f"{words} Browsers that were signed in with it still are; sign them out below.")
    return redirect("users:security")


@login_required
@require_POST
@limited("google", limit=30, seconds=60)
@fresh.required(back="users:security")
def link_google(request: HttpRequest) -> HttpResponse:
    """To Google and back, to link the account chosen there."""
    if not settings.GOOGLE_CLIENT_ID:
        raise Http404
    return google.go(request, process="connect", then=resolve_url("users:security"))


@login_required
@require_POST
def session_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign out one of one's other browsers."""
    session = get_object_or_404(UserSession, pk=pk, user=request.user)
    session.end()
    messages.success(request, "That browser is signed out.")
    return redirect("users:security")


@login_required
@require_POST
def sessions_end_others(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    count = end_others(request)
    messages.success(request, "All other browsers are signed out." if count else "You are signed in nowhere else.")
    return redirect("users:security")
