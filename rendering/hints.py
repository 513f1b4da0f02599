"""Ask a background process to look sooner. A hint may be lost: a sweep finds the same rows."""

from functools import partial

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError


def hint_on_commit(function: str, *ids) -> None:
    """Queue `rendering.background.<function>` once the surrounding transaction has committed."""
    transaction.on_commit(partial(_send, f"rendering.background.{function}", ids), robust=True)


def _send(name: str, ids: tuple) -> None:
    try:
        current_app.send_task(name, args=ids, retry=False)
    except OperationalError:
        pass  # the sweep comes round
