"""Pages for what went wrong: what happened, whose fault it is, where to go from here."""

from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

WORDS = {
    400: ("circle-help", "That request was not understood", "Something in the address or the form was cut or changed on the way. Nothing was done."),
    403: ("lock", "This is not yours to open", "You are signed in as somebody who may not do this. Nothing was done."),
    404: ("search", "There is nothing here", "The page was moved, removed, or belongs to somebody else."),
}  # fmt: skip
TOO_LARGE_WORDS = (
    "upload",
    "That is too much for one request",
    "It was not read. Send a smaller file, or a large one through New render.",
)
STRANGER_WORDS = ("lock", "Sign in first", "You may have been signed out. Nothing of what you sent was read.")
CSRF_WORDS = (
    "lock",
    "The form had expired",
    "It was open for too long or came from another place. Go back, reload the page and try again. Nothing was done.",
)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, 400, *WORDS[400])


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, 403, *WORDS[403])


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF check refused a form."""
    return _page(request, 403, *CSRF_WORDS)


def too_large(request: HttpRequest) -> HttpResponse:
    return _page(request, 413, *TOO_LARGE_WORDS)


def strangers_body(request: HttpRequest) -> HttpResponse:
    """Much was sent by somebody who is not signed in."""
    return _page(request, 403, *STRANGER_WORDS)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, 404, *WORDS[404])


def _page(request: HttpRequest, status: int, icon: str, title: str, text: str) -> HttpResponse:
    """In the shell for those who are signed in, else as a public page."""
    user = getattr(request, "user", None)  # a request may be refused before anybody looked who it is from
    layout = "layouts/app.html" if user and user.is_authenticated else "layouts/public.html"
    context = {"layout": layout, "icon": icon, "title": title, "text": text, "status": status}
    return render(request, "errors/error.html", context, status=status)


def server_error(request: HttpRequest) -> HttpResponse:
    """The file as it is: no template, no context, no database, because any of them may be what broke."""
    page = Path(settings.BASE_DIR, "templates/errors/500.html").read_bytes()
    return HttpResponse(page, status=500)
