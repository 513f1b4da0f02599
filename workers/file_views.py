"""/files/<token>: what a node fetches (GET, with ranges) and sends (PATCH, resumable). The token is the permission."""

import re

from django.core.files.storage import default_storage
from django.http import HttpResponse, StreamingHttpResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from common import clock
from common.file_urls import BadFileUrl, FileGrant, read_file_token
from common.resumable import OffsetMismatch, TooLarge
from workers import transfers
from workers.transfers import WrongHash

RANGE = re.compile(r"bytes=(\d+)-(\d*)\Z")
CONTENT_TYPE = "application/octet-stream"


@csrf_exempt
@require_http_methods(["GET", "HEAD", "PATCH"])
def file(request, token):
    try:
        grant = read_file_token(token, method=request.method, now=clock.now())
    except BadFileUrl as error:
        return _words(403, str(error))
    if grant.method == "PATCH":
        return _receive(request, grant)
    return _send(request, grant)


def _words(status: int, text: str, **headers) -> HttpResponse:
    return HttpResponse(text + "\n", status=status, content_type="text/plain; charset=utf-8", headers=headers)


# To the node ----------------------------------------------------------------------------------------------------------


def _send(request, grant: FileGrant):
    if not default_storage.exists(grant.storage_key):
        return _words(404, "The file is not here.")
    size = default_storage.size(grant.storage_key)
    span = _span(request.headers.get("Range", ""), size)
    if span is None:
        return _words(416, "There is nothing in this range.", **{"Content-Range": f"bytes */{size}"})
    start, end = span
    partial = (start, end) != (0, size)
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(end - start),
        "ETag": f'"{grant.sha256}"',
        "Cache-Control": "private",
        "Content-Disposition": "attachment",
    }
    if partial:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    body = [] if request.method == "HEAD" else transfers.blocks(grant.storage_key, start=start, length=end - start)
    answer = StreamingHttpResponse(body, status=206 if partial else 200, content_type=CONTENT_TYPE)
    for name, value in headers.items():
        answer[name] = value
    return answer


def _span(text: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; the whole file for any other kind of range; None when it begins past the end."""
    match = RANGE.match(text)
    if not match:
        return 0, size
    start, last = int(match[1]), int(match[2]) if match[2] else size - 1
    return (start, min(last, size - 1) + 1) if start < size and start <= last else None


# From the node --------------------------------------------------------------------------------------------------------


def _receive(request, grant: FileGrant):
    try:
        if request.method == "HEAD":
            end = transfers.arrived_bytes(grant)
        else:
            end = transfers.append(grant, offset=_offset(request), stream=request)
    except OffsetMismatch as mismatch:
        return _words(409, str(mismatch), **{"Upload-Offset": str(mismatch.offset)})
    except (TooLarge, ValueError) as error:
        return _words(413 if isinstance(error, TooLarge) else 400, str(error))
    except WrongHash:
        return _words(422, "The bytes do not have the announced hash; begin anew.", **{"Upload-Offset": "0"})
    except UnreadablePostError:
        return _words(400, "The line broke; ask for the offset and go on.")
    status = 200 if request.method == "HEAD" else 204
    return HttpResponse(status=status, headers={"Upload-Offset": str(end), "Cache-Control": "no-store"})


def _offset(request) -> int:
    text = request.headers.get("Upload-Offset", "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError("Upload-Offset is missing.")
    return int(text)
