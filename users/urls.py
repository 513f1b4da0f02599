"""Addresses of sign-in and of one's own profile."""

from django.http import HttpResponse
from django.urls import path

app_name = "users"


def soon(request, **kwargs):
    """Stands in until the page is written."""
    return HttpResponse(status=503)


urlpatterns = [
    path("sign-in/", soon, name="sign-in"),
    path("sign-out/", soon, name="sign-out"),
    path("sign-in/persona/", soon, name="persona-sign-in"),
    path("profile/", soon, name="profile"),
]
