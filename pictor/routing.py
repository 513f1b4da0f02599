"""Which consumer answers which socket path."""

from channels.routing import URLRouter

websockets = URLRouter([])
