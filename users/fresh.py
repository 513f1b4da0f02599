"""Is it still the same person? Before a change that an intruder would make, who is signed in proves it anew.

Signing in counts as a proof for some minutes; afterwards the second step where there is one, else any way to sign in.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from common import clock

LIFETIME = timedelta(minutes=10)
KEY = "confirmed_at"


def note(request: HttpRequest) -> None:
    """The person of this session has just proven to be that person."""
    request.session[KEY] = clock.now().timestamp()


def is_fresh(request: HttpRequest) -> bool:
    """Whether the last proof is recent. One from the future is none."""
    seconds = clock.now().timestamp() - request.session.get(KEY, 0)
    return 0 <= seconds < LIFETIME.total_seconds()


def ask(request: HttpRequest, back: str = "") -> HttpResponse:
    """To the page that asks; then `back` (a URL name), or where the visitor was going."""
    is_page = request.method in ("GET", "HEAD")
    return redirect(confirm_url(request.get_full_path() if is_page and not back else reverse(back or "users:security")))


def confirm_url(then: str) -> str:
    return f"{reverse('users:confirm')}?{urlencode({'next': then})}"


def required(view: Callable | None = None, *, back: str = "", methods: tuple[str, ...] = ("GET", "HEAD", "POST")) -> Callable:
    """Decorate a view, inside login_required. A form is not kept meanwhile: after the proof its page is shown again."""

    def decorate(inner: Callable) -> Callable:
        @wraps(inner)
        def asked(request: HttpRequest, *args, **kwargs):
            if request.method in methods and not is_fresh(request):
                return ask(request, back if request.method == "POST" else "")
            return inner(request, *args, **kwargs)

        return asked

    return decorate(view) if view else decorate
