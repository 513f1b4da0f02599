"""Operators and their second step: the console's form for passwords asks for it, and nobody operates anything without one."""

from collections.abc import Callable

from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from users.methods import has_second_step
from users.models import User
from users.personas import is_persona
from users.views import next_page

ask_password = admin.site.login
GOING_TO = "after_second_step"  # in the session: where an operator was going
OPEN = ("users", "accounts/")  # app and path of the pages that set a second step up; signing out is among them


def sign_in(request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
    """A right password of somebody with a second step leads to that step, and only it signs in."""
    if request.method == "POST":
        form = (admin.site.login_form or AdminAuthenticationForm)(request, data=request.POST)
        if form.is_valid() and has_second_step(form.get_user()):
            return perform_login(request, form.get_user(), redirect_url=next_page(request, "admin:index"))
    return ask_password(request, extra_context)


def lacks_second_step(user: User) -> bool:
    """An operator who has yet to set one up. The people of the demo need none: anybody becomes them with a click."""
    if not user.is_staff or not settings.STAFF_SECOND_STEP or (settings.DEMO and is_persona(user)):
        return False
    return not has_second_step(user)


class RequireSecondStep:
    """Middleware: operators see what is not theirs, so without a second step they get no further than setting one up."""

    def __init__(self, get_response: Callable) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable, args: list, kwargs: dict) -> HttpResponse | None:
        """Asked here because only now it is known whose page it is."""
        match = request.resolver_match
        if match.app_name == OPEN[0] or match.route.startswith(OPEN[1]) or not request.user.is_authenticated:
            return None
        if not lacks_second_step(request.user):
            return None
        if request.headers.get("HX-Request"):
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})  # its page is led there, not this part of it
        if request.method == "GET":
            request.session[GOING_TO] = request.get_full_path()
        return redirect("users:second-step")


@login_required
@never_cache
@require_safe
def second_step(request: HttpRequest) -> HttpResponse:
    """What an operator is asked for; with a second step set up, back to where they were going."""
    if lacks_second_step(request.user):
        return render(request, "users/second_step.html")
    return redirect(request.session.pop(GOING_TO, "") or "users:security")
