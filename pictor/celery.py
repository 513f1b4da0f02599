"""The Celery app: background functions live in each app's `background.py`; every sweep is scheduled in the table below."""

import os
import threading

from celery import Celery, bootsteps, current_app
from celery.signals import task_prerun, worker_ready

from pictor import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")

broker.use_for_redis()
app = Celery("pictor", task_cls="celery.contrib.django.task:DjangoTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(related_name="background")
app.conf.update(
    task_acks_late=True,  # a killed process must not lose work
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    task_soft_time_limit=3_900,  # a film may take an hour; all else has a tighter limit of its own
    task_time_limit=4_000,
    broker_transport_options={"visibility_timeout": 7_200, "socket_keepalive": True},  # longer than any function may run
    worker_max_memory_per_child=800_000,  # KiB; a film's pictures must not stay for ever
    worker_hijack_root_logger=False,  # its lines look like all others
    task_default_queue="background",
    task_annotations={
        "workers.background.feed": {"soft_time_limit": 30, "time_limit": 40},
        "credit.background.sweep_deposits": {"soft_time_limit": 100, "time_limit": 110},
    },
    task_routes={"workers.background.feed": {"queue": "feeder"}},  # a process of its own: it leases for everybody
)

# Celery would connect to PostgreSQL anew for every function; a connection that broke is left before a later one.
app.conf["CELERY_DB_REUSE_MAX"] = 10_000


@task_prerun.connect
def leave_broken_connections(**_) -> None:
    from common import connections

    if not current_app.conf.task_always_eager:
        connections.leave_broken_connections()


@worker_ready.connect
def look_for_what_was_left(sender, **_) -> None:
    """What the process before this one had in hand when it was killed: nobody is told of it a second time."""
    if "background" in sender.app.amqp.queues.consume_from:
        sender.app.send_task("rendering.background.sweep_unchecked_tasks")


END_SECONDS = 3.0  # what is cut off is found by a sweep


class EndInTime(bootsteps.StartStopStep):
    """A worker that goes down after an error of its own does go down, so that it is started again.

    After what Celery calls unrecoverable the worker waits for functions whose answers nobody reads any more. An ordinary stop has all the time that its supervisor gives it.
    """

    def close(self, worker) -> None:
        if worker.exitcode:
            end = threading.Timer(END_SECONDS, os._exit, [worker.exitcode])
            end.daemon = True
            end.start()


app.steps["worker"].add(EndInTime)

# name -> (background function, seconds between runs)  # why that period
SWEEPS: dict[str, tuple[str, float]] = {
    "feed": ("workers.background.feed", 1.0),  # a lost nudge costs a node one idle second
    "expired-leases": ("workers.background.sweep_expired_leases", 5.0),  # leases are 60 s long; a frame waits no longer
    "unacknowledged-leases": ("workers.background.sweep_unacknowledged_leases", 2.0),  # due after 10 s
    "dead-gateways": ("workers.background.sweep_dead_gateways", 5.0),  # dead after 20 s of silence
    "hours": ("workers.background.sweep_hours", 5.0),  # nodes open and close to the minute
    "offline-alerts": ("workers.background.sweep_offline_alerts", 60.0),  # ten minutes of grace at least
    "stale-partials": ("workers.background.sweep_stale_partials", 3600.0),  # they are a day old by then
    "reliability": ("workers.background.sweep_reliability", 300.0),  # a job that asks for a minimum reads it
    "node-history": ("workers.background.sweep_node_history", 3600.0),  # kept for weeks: hours do not matter
    "benchmarks": ("workers.background.sweep_benchmarks", 60.0),  # nodes are idle for ten minutes before
    "telemetry-days": ("workers.background.sweep_telemetry_days", 3600.0),  # partitions reach two days ahead
    "telemetry-hours": ("workers.background.sweep_telemetry_hours", 120.0),  # pages read what it has not added up from minutes
    "matured-earnings": ("credit.background.sweep_matured_earnings", 60.0),  # owners watch for it; due within a minute
    "expired-holds": ("credit.background.sweep_expired_holds", 600.0),  # 30 days old: minutes do not matter
    "deposits": ("credit.background.sweep_deposits", 5.0),  # whoever paid is watching
    "top-ups": ("credit.background.sweep_top_ups", 60.0),  # an hour old
    "payouts": ("credit.background.sweep_payouts", 15.0),  # their owners wait; a block takes as long
    "payments": ("credit.background.sweep_payments", 15.0),  # whoever paid is watching
    "disputes": ("credit.background.sweep_disputes", 600.0),  # their events come at once as a rule
    "debts": ("credit.background.sweep_debts", 60.0),  # it may not be spent meanwhile
    "credit-alerts": ("credit.background.sweep_credit_alerts", 60.0),  # a budget can go within minutes
    "day-sums": ("credit.background.sweep_day_sums", 600.0),  # a day is kept from one o'clock on; until then it is added up
    "ledger": ("credit.background.sweep_ledger", 86_400.0),  # once a day: it reads every transfer
    "reconciliation": ("credit.background.sweep_reconciliation", 86_400.0),  # once a day: it asks nodes and the provider
    "inspections": ("rendering.background.sweep_inspections", 15.0),  # its creator is watching
    "unchecked-tasks": ("rendering.background.sweep_unchecked_tasks", 5.0),  # an unchecked frame is unpaid work
    "jobs": ("rendering.background.sweep_jobs", 10.0),  # a lost refresh shows a wrong status meanwhile
    "task-counts": ("rendering.background.sweep_task_counts", 10.0),  # a busy job adds some hundred rows meanwhile
    "check-figures": ("checkers.background.sweep_figures", 45.0),  # before those that a page reads are forgotten
    "network-figures": ("leaderboard.background.sweep_figures", 45.0),  # the same
    "paused-jobs": ("rendering.background.sweep_paused_jobs", 30.0),  # a top-up should be felt soon
    "refuted": ("rendering.background.sweep_refuted", 60.0),  # a lost hint: pay of a wrong picture waits to be given back
    "stranded-jobs": ("rendering.background.sweep_stranded_jobs", 60.0),  # its creator may change what it asks for
    "probes": ("rendering.background.sweep_probes", 30.0),  # owners are paid, and what waits in vain is given up
    "films": ("rendering.background.sweep_films", 60.0),  # minutes of work each
    "unmerged-jobs": ("rendering.background.sweep_unmerged_jobs", 60.0),  # a minute of work each
    "stale-uploads": ("rendering.background.sweep_stale_uploads", 3600.0),  # kept for two days
    "ending": ("rendering.background.sweep_ending", 3600.0),  # a week ahead
    "ended-scenes": ("rendering.background.sweep_ended_scenes", 3600.0),  # weeks old
    "orphans": ("rendering.background.sweep_orphans", 3600.0),  # two days old; some folders at a time
    "wallet-challenges": ("users.background.sweep_wallet_challenges", 3600.0),  # minutes old is as good as used
    "notice-mails": ("users.background.sweep_notice_mails", 60.0),  # somebody may be in another's account
    "used-sessions": ("users.background.sweep_used_sessions", 60.0),  # a list of browsers says it to the minute
    "ended-sessions": ("users.background.sweep_ended_sessions", 3600.0),  # they let nobody in; only rows pile up
}

app.conf.beat_schedule = {
    name: {"task": function, "schedule": period, "options": {"expires": period}} for name, (function, period) in SWEEPS.items()
}
