"""What happened to a job, what was ordered, and its film."""

from dataclasses import dataclass
from datetime import datetime

from common.money import format_exact
from rendering import reasons
from rendering.choices import ImageFormat
from rendering.models import Film, Job, JobEvent, Task
from rendering.presentation.head import counts_of
from rendering.presentation.words import JOB_TONES, TASK_TONES, engine_label, software_label
from rendering.states import JobStatus, TaskStatus

EVENTS_SHOWN = 40
FIRST_ATTEMPT = "attempt 1"  # goes without saying
JOB_BECAME = {  # what a person would say happened; a status that is not here reads as it is
    JobStatus.INSPECTING: "is being read",
    JobStatus.READY: "was read",
    JobStatus.QUEUED: "waits for a node",
    JobStatus.RENDERING: "is rendering",
}
JOB_WENT_ON = {  # when it began to wait or to render, by where it was before
    JobStatus.READY: "submitted",
    JobStatus.PAUSED: "resumed",
    JobStatus.COMPLETED: "opened again",
    JobStatus.FAILED: "opened again",
}
TASK_BECAME = {
    TaskStatus.WAITING: "back in the queue",
    TaskStatus.RENDERING: "sent to a node",
    TaskStatus.CHECKING: "arrived, being checked",
}


def film_part(job: Job, *, now: datetime) -> dict:
    counts = counts_of(job)
    film = Film.objects.filter(job=job).order_by("-id").first()
    return {
        "job": job,
        "film": film,
        "counts": counts,
        "film_running": bool(film and not film.finished_at and not film.failure),
        "film_stale": bool(film and film.finished_at and film.frame_count < counts.accepted),
        "film_possible": counts.accepted > 0,
        "poster": Task.objects.filter(job=job, status=TaskStatus.ACCEPTED).order_by("frame").first() if film else None,
    }


@dataclass(frozen=True)
class Moment:
    """One line of the timeline."""

    at: datetime
    words: str
    detail: str
    tone: str


def events_part(job: Job, *, now: datetime) -> dict:
    events = job.events.select_related("task", "actor").order_by("-at", "-id")[: EVENTS_SHOWN + 1]
    moments = [_moment(event) for event in events[:EVENTS_SHOWN]]
    return {"job": job, "moments": moments, "more_events": len(events) > EVENTS_SHOWN}


def _moment(event: JobEvent) -> Moment:
    tones = TASK_TONES if event.task_id else JOB_TONES
    words = _happened(event)
    if event.actor_id:
        words += f" by {event.actor.name}"
    detail = "" if event.detail == FIRST_ATTEMPT else event.detail or reasons.words(event.reason)
    return Moment(event.at, words, detail, tones.get(event.became, "quiet"))


def _happened(event: JobEvent) -> str:
    """ "Frame 7 arrived, being checked"; what happened to the job depends on where it was before."""
    if event.task_id:
        return f"Frame {event.task.frame} {TASK_BECAME.get(event.became, event.became)}".rstrip()
    if event.became in {JobStatus.QUEUED, JobStatus.RENDERING} and event.was in JOB_WENT_ON:
        return f"Job {JOB_WENT_ON[event.was]}"
    return f"Job {JOB_BECAME.get(event.became, event.became)}".rstrip()


def details_part(job: Job, *, now: datetime) -> dict:
    return {
        "job": job,
        "details": details_of(job),
        "charged_words": format_exact(job.charged_micros),
        "cap_initial": "" if job.cap_micros is None else format_exact(job.cap_micros).replace(",", ""),
    }


def details_of(job: Job) -> list[tuple[str, str]]:
    """What was ordered, for the list beside the strip."""
    return [
        ("Software", f"{software_label(job)} ({job.blender_version})"),
        ("Engine", engine_label(job)),
        ("Camera", job.camera or "as in the file"),
        ("Frames", f"{job.frames} ({job.frame_count})"),
        ("Resolution", f"{job.width} × {job.height}"),
        ("Samples", f"{job.samples}"),
        ("Format", ImageFormat(job.format).label),
        ("Denoise", {None: "as in the file", True: "on", False: "off"}[job.denoise]),
        ("Tier", job.tier.capitalize()),
        ("Cap", "none" if job.cap_micros is None else f"{format_exact(job.cap_micros)} credits"),
    ]
