"""The demo job's progress in the terminal: read from the database, as the page reads it."""

import time
from collections.abc import Callable

from django.db.models import Count
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from common import clock
from common.money import format_exact
from rendering import presentation
from rendering.models import Job
from rendering.states import JOB_FINAL, JobStatus, TaskStatus
from workers import services as queue

LOOK_SECONDS = 0.3
STUCK_SECONDS = 20  # a paused job that nobody resumes


def follow(job: Job, *, alive: Callable[[], None], began: float, stop_when_stuck: bool) -> Job:
    """Show the job until it ends. With `stop_when_stuck`, a pause that lasts ends it too.

    Args:
        began: time.monotonic() of the start of the demo.
    """
    show = Bar(job) if Console().is_terminal else Lines(job)
    first_frame_seconds, stuck_since = None, None
    with show:
        while True:
            alive()
            job.refresh_from_db()
            accepted = counts(job).get(TaskStatus.ACCEPTED, 0)
            if accepted and first_frame_seconds is None:
                first_frame_seconds = time.monotonic() - began
            show.update(job, accepted)
            stuck_since = (stuck_since or time.monotonic()) if job.status == JobStatus.PAUSED else None
            if job.status in JOB_FINAL or (stop_when_stuck and stuck_since and time.monotonic() - stuck_since > STUCK_SECONDS):
                break
            time.sleep(LOOK_SECONDS)
    print_sums(job, first_frame_seconds)
    return job


def print_sums(job: Job, first_frame_seconds: float | None) -> None:
    if first_frame_seconds is not None:
        print(
            f"\n  First frame accepted {first_frame_seconds:.0f} s after the start; {format_exact(job.charged_micros)} credits charged."
        )


def counts(job: Job) -> dict[str, int]:
    return dict(job.tasks.values_list("status").annotate(number=Count("id")).order_by())


def nodes(job: Job) -> str:
    names = sorted({row.worker_name for row in queue.nodes_at_work("render", job.pk)})
    return ", ".join(names) or ("no node yet" if job.status == JobStatus.QUEUED else "")


def remaining(job: Job) -> str:
    """ "about 2 min left"; empty while nothing can be said."""
    finish = presentation.stats_part(presentation.Reading(job, clock.now()))["finish"]
    if finish is None:
        return ""
    seconds = max(0, (finish.low + (finish.high - finish.low) / 2 - clock.now()).total_seconds())
    return f"about {seconds / 60:.0f} min left" if seconds >= 90 else f"about {seconds:.0f} s left"


def reason(job: Job) -> str:
    """Why it is where it is, in the page's words."""
    return presentation.status_line(job, presentation.counts_of(job))


def facts(job: Job) -> str:
    words = [nodes(job), f"{format_exact(job.charged_micros)} credits", remaining(job)]
    return "  ".join(word for word in words if word)


class Bar:
    """One line that redraws itself."""

    def __init__(self, job: Job):
        columns = [
            TextColumn("  {task.description}"),
            BarColumn(bar_width=32),
            TaskProgressColumn("{task.completed}/{task.total} frames"),
        ]
        self.progress = Progress(*columns, TextColumn("{task.fields[facts]}"))
        self.row = self.progress.add_task(job.name, total=job.frame_count, facts="")

    def __enter__(self) -> "Bar":
        self.progress.start()
        return self

    def __exit__(self, *failure) -> None:
        self.progress.stop()

    def update(self, job: Job, accepted: int) -> None:
        self.progress.update(self.row, completed=accepted, facts=facts(job))


class Lines:
    """For logs and pipes: a line whenever another tenth is done."""

    def __init__(self, job: Job):
        self.shown = -1

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *failure) -> None:
        pass

    def update(self, job: Job, accepted: int) -> None:
        tenth = accepted * 10 // max(1, job.frame_count)
        if tenth != self.shown:
            self.shown = tenth
            print(f"  {job.name}: {accepted}/{job.frame_count} frames  {facts(job)}", flush=True)
