"""Ask a background process to judge a benchmark now. A hint may be lost: sweep_benchmarks finds the same rows."""

import contextlib

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

JUDGE = "workers.background.judge_benchmark"


def hint_on_commit(run_id: int) -> None:
    transaction.on_commit(lambda: _hint(run_id), robust=True)


def _hint(run_id: int) -> None:
    with contextlib.suppress(OperationalError):
        current_app.send_task(JUDGE, args=[run_id], retry=False)
