"""Who may speak with the page: whoever has the link of this start, and speaks from that page itself. Pure.

Against whom: any site in the owner's browser can send requests to this port, also under a name of its own (DNS rebinding),
and any user of this machine can connect to it. There is no cookie that a browser would send along by itself: cookies do
not tell ports apart, so a page of another user's on this machine would be sent it (docs/decisions).
"""

import secrets
from dataclasses import dataclass, field

from pictor_agent.app.lines import LOOPBACK, Request, Response, words

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # the address is the secret; no-referrer would make a form's Origin "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
LOST = "This is not the address of the page. The agent's terminal shows it, and so does: pictor-agent app\n"


@dataclass(frozen=True)
class Gate:
    """`token`: new with every start; it is part of every path."""

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def host(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def link(self) -> str:
        return f"http://{self.host}/{self.token}/"

    def refusal(self, request: Request) -> Response | None:
        """Why not; None for those who may."""
        if request.headers.get("host") != self.host:
            return words(421, LOST)
        if request.method not in ("GET", "POST"):
            return Response(status=405, headers={"Allow": "GET, POST"})
        if not self._knows(request.path):
            return words(404, LOST)
        if request.method == "POST" and request.headers.get("origin") != f"http://{self.host}":
            return words(403, "This did not come from the page.")
        return None

    def _knows(self, path: str) -> bool:
        given = path.removeprefix("/").partition("/")[0]
        return secrets.compare_digest(given.encode(), self.token.encode())

    def inner(self, path: str) -> str:
        """What comes after the token: "pause"; empty for the page itself."""
        return path.removeprefix("/").partition("/")[2]
