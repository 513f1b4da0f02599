"""How frames are checked today, with counts."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from checkers import figures
from common import clock


@login_required
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    return render(request, "checkers/overview.html", figures.overview(request.user, now=clock.now()))
