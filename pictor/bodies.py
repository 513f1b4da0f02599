"""How much one request may send. Forms are parsed, and their files written to the disk, before any view can refuse them."""

from collections.abc import Callable
from io import BytesIO

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy

from pictor.errors import strangers_body, too_large
from pictor.lines import length_of

STRANGER_BYTES_MAX = 64 * 1024  # a form of somebody who is not signed in
FORM_BYTES_MAX = settings.CHUNK_BYTES_MAX + 1024**2
FILES = "/files/"  # of nodes: the token is the permission, and the view counts
WITH_FILE = reverse_lazy("rendering:job-new")  # the plain form without script


def body_limit(get_response: Callable) -> Callable:
    """Middleware, after the one that knows the user: a body that is too large is refused unread, a large one is let go at once."""

    def middleware(request: HttpRequest) -> HttpResponse:
        length = length_of(request.META.get("CONTENT_LENGTH"))
        if length <= STRANGER_BYTES_MAX:
            return get_response(request)
        if length > bytes_max(request):
            return too_large(request) if request.user.is_authenticated else strangers_body(request)
        try:
            return get_response(request)
        finally:
            let_go(request)

    return middleware


def let_go(request: HttpRequest) -> None:
    """What was read of it. A request of somebody signed in is a circle of objects, there until the next search for garbage."""
    vars(request).pop("_body", None)
    vars(request).pop("_post", None)
    request._stream = BytesIO()  # from the body once it is read


def bytes_max(request: HttpRequest) -> int:
    """What this visitor may send to this address."""
    if request.path.startswith(FILES):
        return FORM_BYTES_MAX
    if not request.user.is_authenticated:
        return STRANGER_BYTES_MAX
    return settings.UPLOAD_BYTES_MAX + 1024**2 if request.path == WITH_FILE else FORM_BYTES_MAX
