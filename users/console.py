"""The console's form for operators' passwords, with the second step behind it that every other way in has."""

from allauth.account.utils import perform_login
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.http import HttpRequest, HttpResponse

from users.methods import has_second_step
from users.views import next_page

ask_password = admin.site.login


def sign_in(request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
    """A right password of somebody with a second step leads to that step, and only it signs in."""
    if request.method == "POST":
        form = (admin.site.login_form or AdminAuthenticationForm)(request, data=request.POST)
        if form.is_valid() and has_second_step(form.get_user()):
            return perform_login(request, form.get_user(), redirect_url=next_page(request, "admin:index"))
    return ask_password(request, extra_context)
