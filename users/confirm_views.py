"""Proving that it is still the same person: by the second step where there is one, else by any way to sign in."""

from allauth.mfa.base.forms import ReauthenticateForm
from allauth.mfa.webauthn.forms import ReauthenticateWebAuthnForm
from allauth.mfa.webauthn.internal import auth as webauthn
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from common.limits import limited
from users import fresh, google
from users.methods import WALLETS, has_second_step, methods_of
from users.networks import networks
from users.personas import is_persona
from users.security_views import steps_of
from users.views import next_page


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited("confirm", limit=20, seconds=300)
def confirm(request: HttpRequest) -> HttpResponse:
    """The page that asks, and the answers that are forms: a code, a passkey, an operator's password, a person of the demo."""
    forms = _forms(request)
    if request.method == "POST" and _is_proven(request, forms):
        fresh.note(request)
        return redirect(next_page(request, "users:security"))
    return render(request, "users/confirm.html", _context(request, forms), status=422 if request.method == "POST" else 200)


def _forms(request: HttpRequest) -> dict:
    """The forms of the second step; empty for whom has none."""
    if not has_second_step(request.user):
        return {}
    said = request.POST if request.method == "POST" else None
    return {
        "code_form": ReauthenticateForm(said if said and "code" in said else None, user=request.user),
        "passkey_form": ReauthenticateWebAuthnForm(said if said and "credential" in said else None, user=request.user),
    }


def _is_proven(request: HttpRequest, forms: dict) -> bool:
    if forms:
        form = next((form for form in forms.values() if form.is_bound), None)
        if form is None or not form.is_valid():
            return False
        form.save()
        return True
    if "password" in request.POST:
        return request.user.check_password(request.POST["password"])
    return "persona" in request.POST and settings.DEMO and is_persona(request.user)


def _context(request: HttpRequest, forms: dict) -> dict:
    providers = {method.provider for method in methods_of(request.user)} if not forms else set()
    steps = steps_of(request.user)
    context = forms | {
        "next": next_page(request, "users:security"),
        "has_passkey": bool(forms and steps["passkeys"]),
        "has_code": bool(forms and (steps["app"] or steps["codes_left"])),
        "google": "google" in providers and bool(settings.GOOGLE_CLIENT_ID),
        "wallet": bool(providers & set(WALLETS)),
        "networks": networks(with_aptos="aptos" in providers),
        "password": not forms and request.user.has_usable_password(),
        "persona": not forms and settings.DEMO and is_persona(request.user),
        "was_wrong": request.method == "POST",
    }
    context["wallet_first"] = not context["google"]
    if context["has_passkey"]:
        context["js_data"] = {"request_options": webauthn.begin_authentication(request.user)}
    return context


@login_required
@require_POST
@limited("google", limit=30, seconds=60)
def confirm_google(request: HttpRequest) -> HttpResponse:
    """To Google and back; users.adapters looks at who came back."""
    if not settings.GOOGLE_CLIENT_ID or has_second_step(request.user):
        raise Http404
    then = next_page(request, "") or resolve_url("users:security")
    return google.go(request, process="redirect", then=then, data={"confirms": request.user.pk})
