"""The admin's content security policy: its templates bring scripts and styles of their own (Alpine evaluates expressions).

Everything else keeps the strict policy of the settings. The admin is for staff, prints no stranger's markup, and its
frames and forms stay as narrow as elsewhere.
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
