"""A small real HTTP server for scene files and uploads, which cuts, refuses and forgets on order."""

import contextlib
import re
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """GET with Range from `files`; HEAD and PATCH with Upload-Offset into `uploads`. Every list of faults is used up in order."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.uploads: dict[str, bytearray] = {}
        self.cuts: deque[int] = deque()  # break the connection after so many bytes of the next transfers
        self.statuses: deque[int] = deque()  # answer the next requests with these
        self.seen: list[tuple[str, str, str]] = []  # method, path, Range or Upload-Offset
        self.held_up: set[str] = set()  # paths whose answers wait until the end
        self.ended = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> "FileServer":
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: FileServer

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        content = self.owner.files.get(self.path)
        if self._fault(asked):
            return
        if content is None:
            return self._answer(404)
        start = int(found[1]) if (found := re.match(r"bytes=(\d+)-", asked)) else 0
        self._answer(206 if asked else 200, content[start:], cut=self.owner.cuts.popleft() if self.owner.cuts else None)

    def do_HEAD(self) -> None:
        if not self._fault(""):
            self._answer(200, offset=len(self.owner.uploads.setdefault(self.path, bytearray())))

    def do_PATCH(self) -> None:
        offset = int(self.headers["Upload-Offset"])
        if self._fault(str(offset)):
            return
        have = self.owner.uploads.setdefault(self.path, bytearray())
        length = int(self.headers["Content-Length"])
        if offset != len(have):
            self.rfile.read(length)
            return self._answer(409, offset=len(have))
        if self.owner.cuts:
            have += self.rfile.read(min(self.owner.cuts.popleft(), length))
            self.close_connection = True
            return
        have += self.rfile.read(length)
        self._answer(204, offset=len(have))

    def _fault(self, detail: str) -> bool:
        self.owner.seen.append((self.command, self.path, detail))
        if self.path in self.owner.held_up:
            self.owner.ended.wait(600)
        if not self.owner.statuses or (status := self.owner.statuses.popleft()) == 200:
            return False
        self.close_connection = True
        self._answer(status)
        return True

    def _answer(self, status: int, body: bytes = b"", *, offset: int | None = None, cut: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if offset is not None:
            self.send_header("Upload-Offset", str(offset))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.close_connection = True

    def log_message(self, *_) -> None:
        pass
