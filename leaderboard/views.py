"""The Network page: what the whole network does, from its own rows."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from common import clock
from leaderboard import figures


@login_required
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    return render(request, "leaderboard/overview.html", figures.overview(request.user, now=clock.now()))
