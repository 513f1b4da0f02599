"""Ask a background process to look sooner. A hint may be lost: a sweep finds the same rows."""

from functools import partial

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError


def hint_on_commit(function: str, *ids) -> None:
    """Queue `credit.background.<function>` once the surrounding transaction has committed."""
    transaction.on_commit(partial(_hint, function, *ids), robust=True)


def _hint(function: str, *ids) -> None:
    try:
        current_app.send_task(f"credit.background.{function}", args=ids, retry=False)
    except OperationalError:
        pass  # the sweep comes round
