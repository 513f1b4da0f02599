import subprocess
import sys

import celery

from pictor.celery import SWEEPS, EndInTime, app


class ConfigurationTests:
    def test_nothing_is_delivered_twice_because_it_takes_long(self):
        assert (
            app.conf.broker_transport_options["visibility_timeout"] > app.conf.task_time_limit > app.conf.task_soft_time_limit
        )

    def test_a_killed_process_loses_no_work(self):
        assert app.conf.task_acks_late
        assert app.conf.task_reject_on_worker_lost
        assert app.conf.worker_prefetch_multiplier == 1

    def test_a_sweep_that_was_not_run_in_time_is_dropped_not_piled_up(self):
        assert all(entry["options"]["expires"] <= entry["schedule"] for entry in app.conf.beat_schedule.values())

    def test_every_sweep_has_a_period_of_its_own(self):
        assert all(0 < period <= 86_400 for _, period in SWEEPS.values())

    def test_a_worker_that_goes_down_after_an_error_does_go_down(self):
        """It would wait for ever for functions whose answers nobody reads; an ordinary stop is left its time."""
        script = """
import time
from types import SimpleNamespace
from pictor import celery
celery.END_SECONDS = 0.05
celery.EndInTime(None).close(SimpleNamespace(exitcode=0))
time.sleep(0.5)
print("an ordinary stop goes on", flush=True)
celery.EndInTime(None).close(SimpleNamespace(exitcode=70))
time.sleep(600)
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=240)
        assert (done.returncode, done.stdout.strip()) == (70, "an ordinary stop goes on")
        assert EndInTime in app.steps["worker"]

    def test_functions_are_queued_after_commit_when_asked_to(self):
        assert issubclass(app.Task, celery.contrib.django.task.DjangoTask)
