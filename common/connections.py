"""Old connections to PostgreSQL, in threads that serve one call after the other."""

import threading
import time

from django.db import close_old_connections

LOOK_SECONDS = 2.0


class _Looked(threading.local):
    at = float("-inf")


_looked = _Looked()


def leave_broken_connections() -> None:
    """As Django's close_old_connections between two requests, but not before every one of many calls: the question whether
    a connection still answers costs as much as a statement. Within LOOK_SECONDS after one broke, calls may fail: only for
    what is repeated.
    """
    now = time.monotonic()
    if now - _looked.at >= LOOK_SECONDS:
        _looked.at = now
        close_old_connections()
