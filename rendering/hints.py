"""Ask a background process to look sooner. A hint may be lost: a sweep finds the same rows."""

from functools import partial

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError


def hint_on_commit(function: str, *ids) -> None:
    """Queue `rendering.background.<function>` once the surrounding transaction has committed."""
    transaction.on_commit(partial(hint, function, *ids), robust=True)


def hint(function: str, *ids, in_seconds: float = 0.0) -> None:
    """Queue it now."""
    try:
        current_app.send_task(f"rendering.background.{function}", args=ids, retry=False, countdown=in_seconds or None)
    except OperationalError:
        pass  # the sweep comes round
