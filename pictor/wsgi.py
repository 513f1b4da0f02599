"""Pages, fragments, uploads and downloads."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")
django_application = get_wsgi_application()

from django.db import connections  # noqa: E402  needs the settings

from common.garbage import search_less  # noqa: E402
from common.limits import address_in  # noqa: E402
from pictor.lines import Lines  # noqa: E402


def close_connections() -> None:
    """This thread's, unless a transaction is open."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


application = Lines(django_application, address_of=address_in, let_go=close_connections)
search_less()
