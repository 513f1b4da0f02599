"""Answers to htmx that concern the whole page, not the fragment."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url


def sign_in_again(get_response: Callable) -> Callable:
    """Middleware: a fragment whose viewer has been signed out reloads its page instead of showing the sign-in form inside."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.headers.get("HX-Request") and is_to_sign_in(response):
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        return response

    return middleware


def is_to_sign_in(response: HttpResponse) -> bool:
    """Whether the answer is login_required's redirect."""
    path = urlsplit(response.get("Location", "")).path
    return response.status_code == 302 and path == resolve_url(settings.LOGIN_URL)
