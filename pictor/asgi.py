"""Sockets: live pages and the nodes' agents. Pages are served by WSGI, several times faster (docs/decisions/0006)."""

import os

import django
from channels.routing import ProtocolTypeRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")
django.setup()

from pictor.routing import websockets  # noqa: E402  needs the app registry


async def plain(scope, receive, send) -> None:
    """Answers a supervisor's or balancer's probe at /health/live; there are no pages here."""
    status = 200 if scope["path"] == "/health/live" else 404
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"alive\n" if status == 200 else b""})


application = ProtocolTypeRouter({"websocket": websockets, "http": plain})
