"""Sockets: live pages and the nodes' agents."""

import os

import django
from channels.routing import ProtocolTypeRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")
django.setup()

from pictor.routing import websockets  # noqa: E402  needs the app registry

application = ProtocolTypeRouter({"websocket": websockets})
