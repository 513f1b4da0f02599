"""The server's clock, read in one place so that rules can take `now` as an argument."""

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    """The present moment, aware, UTC."""
    return timezone.now()
