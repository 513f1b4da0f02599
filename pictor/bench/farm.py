"""The whole stack with one real node, for benchmarks that render: jobs of the demo scene, made small."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from django.db.models import Max

from common import clock
from pictor.stack import demo_job, ports
from pictor.stack.demo import DEMO_SCENE
from pictor.stack.stack import Stack
from rendering import services
from rendering.models import Job
from rendering.states import JOB_FINAL, JobStatus

LOOK_SECONDS = 0.5  # seldom: looking costs the server's time, and the figures are of its own stamps
WAIT_SECONDS = 600
WIDTH, HEIGHT = 320, 240


@contextmanager
def farm() -> Iterator[Stack]:
    """In the folder whose files this process sees too."""
    environment = dict(os.environ) | {"DJANGO_SETTINGS_MODULE": "pictor.settings"}
    var = Path(os.environ["PICTOR_VAR"])
    with Stack(var, port=ports.free_pair(), demo=True, tell=lambda line: None, inherited=environment) as stack:
        yield stack


def ready_job(stack: Stack, frames: str, *, samples: int, width: int = WIDTH, height: int = HEIGHT) -> Job:
    """Uploaded and inspected, with settings of its own."""
    job = demo_job.begin(DEMO_SCENE)
    _await(job, {JobStatus.READY}, stack, pause_seconds=0.2)
    settings = replace(services.settings_of(job), frames=frames, width=width, height=height, samples=samples, denoise=False)
    return services.update_settings(job, settings)


def render(stack: Stack, job: Job) -> float:
    """Seconds from submit to the last accepted frame, by the server's stamps."""
    began = clock.now()
    services.submit_job(job, began, actor=job.owner)
    _await(job, JOB_FINAL, stack, pause_seconds=LOOK_SECONDS)
    if job.status != JobStatus.COMPLETED:
        raise RuntimeError(f"the job is {job.status}: {job.failure}")
    accepted_at = job.tasks.aggregate(last=Max("accepted_at"))["last"]
    return (accepted_at - began).total_seconds()


def _await(job: Job, statuses, stack: Stack, *, pause_seconds: float) -> None:
    """Only the status is read while we wait: a whole row, many times a second, would be felt by what is measured."""
    until = time.monotonic() + WAIT_SECONDS
    status = Job.objects.filter(pk=job.pk).values_list("status", flat=True)
    while (now := status.get()) not in statuses:
        if stack.failure or time.monotonic() > until or now in JOB_FINAL:
            job.refresh_from_db()
            raise RuntimeError(f"the job is {job.status}: {job.failure} {job.failure_detail} {stack.failure}")
        time.sleep(pause_seconds)
    job.refresh_from_db()
