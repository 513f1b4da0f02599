"""The one screen after sign-in, and the small parts that belong to no app: header, style guide."""

from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from common.http import fragment_response
from credit import services as credit
from pictor import catalogue


@login_required
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home/home.html")


@login_required
def credit_pill(request: HttpRequest) -> HttpResponse:
    """The header's balance; asked for again when it changed."""
    context = {"available_micros": credit.balance_of(request.user).available_micros, "user_id": request.user.pk}
    return fragment_response(request, "components/credit_pill.html", context)


@staff_member_required(login_url="users:sign-in")
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component in every state."""
    return render(request, "home/styleguide.html", catalogue.examples())
