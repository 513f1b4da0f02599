"""The whole stack with one real node, for benchmarks that render: jobs of the demo scene, made small."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from common import clock
from pictor.stack import demo_job, ports
from pictor.stack.demo import DEMO_SCENE
from pictor.stack.stack import Stack
from rendering import services
from rendering.models import Job
from rendering.states import JOB_FINAL, JobStatus

LOOK_SECONDS = 0.02
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
    """Seconds from submit to the last accepted frame."""
    began = time.perf_counter()
    services.submit_job(job, clock.now(), actor=job.owner)
    _await(job, JOB_FINAL, stack, pause_seconds=LOOK_SECONDS)
    seconds = time.perf_counter() - began
    if job.status != JobStatus.COMPLETED:
        raise RuntimeError(f"the job is {job.status}: {job.failure}")
    return seconds


def _await(job: Job, statuses, stack: Stack, *, pause_seconds: float) -> None:
    until = time.monotonic() + WAIT_SECONDS
    job.refresh_from_db()
    while job.status not in statuses:
        if stack.failure or time.monotonic() > until or job.status in JOB_FINAL:
            raise RuntimeError(f"the job is {job.status}: {job.failure} {job.failure_detail} {stack.failure}")
        time.sleep(pause_seconds)
        job.refresh_from_db()
