"""One's own account: name, times and theme, data, and closing it."""

import json

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common import clock
from common.limits import limited
from users import closing, fresh, notices
from users.forms import CloseForm, ProfileForm
from users.methods import methods_of
from users.tabs import tabs


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Name, time zone, theme."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your profile is saved.")
        return redirect("users:profile")
    if form.errors:
        request.user.refresh_from_db()  # what was not saved is not shown in the frame of the page
    context = {"form": form, "methods": methods_of(request.user), "tabs": tabs()}
    return render(request, "users/profile.html", context, status=422 if form.errors else 200)


@login_required
@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """Taking one's data along, closing the account, and what stands in the way of that."""
    return render(request, "users/data.html", _data_context(request, CloseForm()))


def _data_context(request: HttpRequest, form: CloseForm) -> dict:
    return {"form": form, "blockers": closing.what_blocks(request.user, clock.now()), "tabs": tabs()}


@login_required
@require_POST
@limited("data-export", limit=10, seconds=3600)
@fresh.required(back="users:data")
def data_export(request: HttpRequest) -> HttpResponse:
    """A file with everything that is kept about the person."""
    now = clock.now()
    text = json.dumps(closing.data_of(request.user, now), indent=2, ensure_ascii=False)
    notices.tell(user=request.user, kind="account", words="A file with your data was downloaded.", now=now, request=request)
    response = HttpResponse(text, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="account-{now:%Y-%m-%d}.json"'
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
@limited("account-close", limit=10, seconds=3600)
@fresh.required(back="users:data")
def account_close(request: HttpRequest) -> HttpResponse:
    """Forget the person behind this account, once nothing is left in it."""
    form = CloseForm(request.POST)
    if not form.is_valid():
        return render(request, "users/data.html", _data_context(request, form), status=422)
    try:
        closing.close(request.user, clock.now())
    except closing.Blocked:
        messages.error(request, "The account cannot be closed yet. What stands in the way is listed below.")
        return redirect("users:data")
    logout(request)
    messages.success(request, "Your account is closed. Goodbye, and thank you.")
    return redirect("users:sign-in")
