"""Addresses of the leaderboard pages."""

from django.http import HttpResponse
from django.urls import path

app_name = "leaderboard"


def soon(request, **kwargs):
    """Stands in until the page is written."""
    return HttpResponse(status=503)


urlpatterns = [
    path("", soon, name="overview"),
]
