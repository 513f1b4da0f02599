"""Headers that every answer has: who may keep it, and the admin's content security policy.

The admin's templates bring scripts and styles of their own (Alpine evaluates expressions). It is for staff, prints no
stranger's markup, and its frames and forms stay as narrow as elsewhere; everything else keeps the policy of the settings.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy

ADMIN_DIRECTIVES = {
    "script-src": ["'self'", "'unsafe-inline'", "'unsafe-eval'"],
    "style-src": ["'self'", "'unsafe-inline'"],
}
ADMIN_ROOT = reverse_lazy("admin:index")


def admin_policy(get_response: Callable) -> Callable:
    """Middleware, inside django-csp's."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.path.startswith(str(ADMIN_ROOT)):
            response._csp_replace = ADMIN_DIRECTIVES
        return response

    return middleware


def private_pages(get_response: Callable) -> Callable:
    """Middleware: a page that says nothing else is one visitor's alone, and is asked for anew after signing out."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.setdefault("Cache-Control", "private, no-cache")
        return response

    return middleware
