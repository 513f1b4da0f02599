"""Answers that a page asks for again and again: rendered, tagged by content, 304 when nothing changed."""

from hashlib import blake2b

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags, quote_etag


def fragment_response(request: HttpRequest, template: str, context: dict) -> HttpResponse:
    """Render `template` ("rendering/job_detail.html#frames") with a strong ETag; 304 if the browser already has these bytes.

    The fragment must not contain a CSRF token or the time of day, or it never looks unchanged.
    """
    body = render_to_string(template, context, request=request).encode()
    return tagged_response(request, body, content_type="text/html; charset=utf-8")


def tagged_response(request: HttpRequest, body: bytes, *, content_type: str) -> HttpResponse:
    """`body` under a strong ETag of its content; only this viewer may keep it, and must ask before using it again."""
    etag = quote_etag(blake2b(body, digest_size=16).hexdigest())
    wanted = parse_etags(request.headers.get("If-None-Match", ""))
    response = HttpResponseNotModified() if etag in wanted else HttpResponse(body, content_type=content_type)
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Cookie", "HX-Request"])
    return response
