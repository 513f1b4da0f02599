"""The Celery app: background functions live in each app's `background.py`; every sweep is scheduled in the table below."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")

app = Celery("pictor", task_cls="celery.contrib.django.task:DjangoTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(related_name="background")
app.conf.update(
    task_acks_late=True,  # a killed process must not lose work
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 3600},
    task_default_queue="background",
)

# name -> (background function, seconds between runs)  # why that period
SWEEPS: dict[str, tuple[str, float]] = {
    "matured-earnings": ("credit.background.sweep_matured_earnings", 60.0),  # owners watch for it; due within a minute
    "expired-holds": ("credit.background.sweep_expired_holds", 600.0),  # 30 days old: minutes do not matter
}

app.conf.beat_schedule = {
    name: {"task": function, "schedule": period, "options": {"expires": period}} for name, (function, period) in SWEEPS.items()
}
