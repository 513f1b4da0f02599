"""The one screen after sign-in, and the small parts that belong to no app: header, style guide, error pages."""

from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from common import clock
from common.http import fragment_response
from credit import services as credit
from pictor import catalogue, overview
from pictor.desk import Desk


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Jobs, nodes, credit and what needs attention, of this account."""
    desk = Desk(request, clock.now())
    context = {"starts": overview.starts(desk)}
    for part in overview.PARTS.values():
        context |= part(desk)
    return render(request, "home/home.html", context)


@login_required
@require_GET
def home_part(request: HttpRequest, part: str) -> HttpResponse:
    """One live element of the home page again, 304 while it is the same."""
    if part not in overview.PARTS:
        raise Http404
    context = overview.PARTS[part](Desk(request, clock.now()))
    return fragment_response(request, f"home/home.html#{part}", context)


@login_required
@require_GET
def credit_pill(request: HttpRequest) -> HttpResponse:
    """The header's balance; asked for again when it changed."""
    context = {"available_micros": credit.balance_of(request.user).available_micros, "user_id": request.user.pk}
    return fragment_response(request, "components/credit_pill.html", context)


@staff_member_required(login_url="users:sign-in")
@require_GET
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component in every state."""
    return render(request, "home/styleguide.html", catalogue.examples())
